"""What every server of this package has in common: who may ask, and where it listens."""
