"""Which part of an image convinced the model of each object: ``maskrcnn.explain``."""
