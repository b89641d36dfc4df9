"""Sequences whose objects are numbered in every frame."""
