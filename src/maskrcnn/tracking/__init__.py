"""Every object of a sequence of frames followed under one number, in any number of dimensions."""
