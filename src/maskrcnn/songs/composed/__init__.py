"""Synthetic songs whose sections, beats and key are known."""
