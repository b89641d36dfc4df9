"""Class maps."""
