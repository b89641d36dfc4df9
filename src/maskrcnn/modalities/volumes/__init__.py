"""Scans and stacks of slices."""
