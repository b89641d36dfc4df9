"""What the fields of scans measure beside average precision."""
