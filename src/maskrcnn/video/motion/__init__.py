"""Keypoints over time: sides mended, smoothed, gaps filled, and written as programs for motion read them."""
