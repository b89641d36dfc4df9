"""Scans drawn as sheets of slices and as projections."""
