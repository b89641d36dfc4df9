"""Commands for sequences of frames."""
