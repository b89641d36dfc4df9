"""From the samples of a file to those that a model sees: scale, crops, and how training varies them."""
