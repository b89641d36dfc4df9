"""Jobs on sequences of frames."""
