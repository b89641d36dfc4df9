"""Whole jobs, composed of the floors below: what the command line calls."""
