"""A wing for each kind of file, strangers to one another, and the few files that know all of them."""
