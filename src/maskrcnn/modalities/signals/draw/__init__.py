"""Recordings drawn in strips."""
