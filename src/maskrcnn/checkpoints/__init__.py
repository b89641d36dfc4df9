"""Model files: our own format, and other people's by one name table each. Nothing is ever unpickled."""
