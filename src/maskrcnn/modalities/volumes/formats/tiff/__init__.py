"""TIFF stacks."""
