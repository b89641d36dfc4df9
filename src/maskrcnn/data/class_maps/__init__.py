"""Class maps: which class every sample of a file is of."""
