"""Files of labels in which some objects are changed where they lie, and everything else stays as it is."""
