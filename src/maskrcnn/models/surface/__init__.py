"""Networks that tell where on a surface each bin of a box lies."""
