"""Tables of samples and of labelled intervals, which several formats of recordings share."""
