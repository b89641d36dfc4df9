"""Networks, for any number of dimensions; nothing here knows of targets or losses."""
