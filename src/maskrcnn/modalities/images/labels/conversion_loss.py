"""What a label format cannot hold of a record, counted in the words in which it is told."""

from __future__ import annotations

from collections import Counter

import numpy as np

from maskrcnn.structures import Record

CROWDS = "crowds, which were left out"
KEYPOINTS = "objects whose keypoints are lost"
SURFACES = "objects whose labelled surface is lost"
BOXES = "boxes that differ from the tight box of their mask, which takes their place"
AREAS = "stated areas that differ from those of the masks (or boxes), which take their place"
NOT_EXHAUSTIVE = "images in which some classes were not searched for, which is lost"
JOINED = "objects in several parts or with holes, written as one outline that lines without width hold together"
SAME = 1e-4  # relative


def count_unheld(record: Record, *, boxes: bool = False, areas: bool = False, keypoints: bool = False) -> Counter[str]:
    """What is lost of ``record`` in a format that cannot hold whether it is exhaustive.

    Args:
        record: with its masks.
        boxes: whether the format holds boxes apart from masks.
        areas: whether it holds areas apart from masks and boxes.
        keypoints: whether it holds keypoints.

    Returns:
        What is lost, in words, and how often.
    """
    lost: Counter[str] = Counter()
    lost[NOT_EXHAUSTIVE] += record.exhaustive is not None
    if not keypoints and record.keypoints is not None:
        lost[KEYPOINTS] += int((record.keypoints[..., -1] > 0).any(axis=1).sum())
    if record.surface is not None:
        lost[SURFACES] += int(record.surface.are_known().sum())
    tight, covered = record.boxes, np.prod(np.subtract(*reversed(np.split(record.boxes, 2, axis=1))), axis=1)
    if record.regions is not None:
        masked = record.regions.areas() > 0
        tight = np.where(masked[:, None], record.regions.boxes(), record.boxes)
        covered = np.where(masked, record.regions.areas(), covered)
    if not boxes:
        lost[BOXES] += int((~np.isclose(tight, record.boxes, rtol=SAME, atol=0.01)).any(axis=1).sum())
    if not areas and record.areas is not None:
        lost[AREAS] += int((~np.isclose(covered, record.areas, rtol=SAME, atol=0.01)).sum())
    return +lost


def has_mask(record: Record) -> np.ndarray:
    """Bool ``[N]``: which objects cover at least a pixel."""
    return np.zeros(len(record), dtype=bool) if record.regions is None else record.regions.areas() > 0


def is_crowd(record: Record) -> np.ndarray:
    """Bool ``[N]``."""
    return np.zeros(len(record), dtype=bool) if record.crowd is None else record.crowd.astype(bool)
