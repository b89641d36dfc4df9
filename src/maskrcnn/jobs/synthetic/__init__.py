"""Data sets that are made rather than collected."""

from maskrcnn.jobs.synthetic.volumes import SyntheticSet, make_synthetic

__all__ = ["SyntheticSet", "make_synthetic"]
