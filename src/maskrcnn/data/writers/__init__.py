"""One file for each format that can be written. They know nothing of one another."""
