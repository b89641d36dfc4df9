"""Lines that objects cross, and zones that they stay in."""
