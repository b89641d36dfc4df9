"""Surfaces over pictures: parts in colours, lines of equal u and v, textures."""
