"""Photos and other 2-D pictures."""
