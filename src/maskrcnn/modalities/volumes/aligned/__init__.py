"""Scans that lie alike, and maps of effects over them."""
