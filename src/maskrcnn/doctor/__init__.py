"""Checks a data set before any training: what is wrong with it, in words, and what to do about it."""
