"""A data set looked at before any training: what is wrong with it, in words, and what to do about it."""
