"""Pure functions on tensors, each written once for any number of dimensions; torch only."""
