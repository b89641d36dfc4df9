"""Which parts of files go with a label of the whole file."""
