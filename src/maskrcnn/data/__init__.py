"""Labelled data, whatever kind of file they come from: the data set, its batches, splits and combinations."""
