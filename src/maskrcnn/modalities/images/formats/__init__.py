"""A folder for each format of labelled images: reading, writing and checking."""
