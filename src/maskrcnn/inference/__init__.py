"""From the samples of a file to the objects in it, by one model."""
