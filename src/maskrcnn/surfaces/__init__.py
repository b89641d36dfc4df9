"""Surfaces of objects: which there are, what is labelled on them and what is found."""
