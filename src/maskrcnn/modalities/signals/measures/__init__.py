"""What the fields of recordings measure beside average precision."""
