"""Which parts of aligned files go with a label of the whole file: a linear model at each sample, and permutations."""
