"""Commands for small computers."""
