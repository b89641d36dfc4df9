"""Networks, for any number of dimensions; they predict, and know nothing of labelled images or losses."""
