"""Labelling in the browser: the page, and the interface that it and scripts talk to."""
