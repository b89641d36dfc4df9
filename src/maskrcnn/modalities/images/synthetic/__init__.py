"""Rendered people whose every pixel is labelled: bodies in poses, seen by a camera, dressed, lit and over photos."""
