"""A mask file for each object."""
