"""A training's settings from its data and the machine, each with its reason."""
