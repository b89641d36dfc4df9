"""Files that are larger than what a model sees at once: cut into tiles, and what is found joined again."""
