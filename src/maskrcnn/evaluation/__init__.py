"""How good detections are: average precision, its intervals, and why objects are missed."""
