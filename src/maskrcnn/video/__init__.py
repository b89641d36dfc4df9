"""Sequences of frames: detections and tracks in files."""
