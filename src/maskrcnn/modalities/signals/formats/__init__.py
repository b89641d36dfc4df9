"""A folder for each format of recordings."""
