"""Forms in which the motion of a clip's objects is written."""
