"""The command that asks which parts go with a label."""
