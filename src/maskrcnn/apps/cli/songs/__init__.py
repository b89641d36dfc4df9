"""Commands for songs."""
