"""Frames with some of their pixels hidden before anything is drawn or written of them."""
