"""Partial labels: stretches of a file that nobody labelled, and sides of boxes that nobody knows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from maskrcnn.evaluation.overlap import Pairs
from maskrcnn.structures import Instances, Record

SAME_PLACE = 0.5  # IoU with a guessed box from which a detection is of its object
SAME_SIDE = 0.25  # of the guessed box's extent: so near a labelled side a detection's side is the same


def stretches(record: Record) -> np.ndarray | None:
    """The parts of the record that were labelled, ``[R, 2D]``: one, unless its ``extent`` has rows; None: all of it."""
    return None if record.extent is None else np.asarray(record.extent, np.float64).reshape(-1, record.boxes.shape[1])


def inside_extent(record: Record, found: Instances) -> Instances:
    """The detections whose centres lie in a part of the record that was labelled."""
    labelled = stretches(record)
    if labelled is None or len(found) == 0:
        return found
    low, high = found.boxes.double().chunk(2, -1)
    centre = ((low + high) / 2)[:, None]
    first, last = torch.from_numpy(labelled).chunk(2, -1)
    return found[((centre >= first) & (centre < last)).all(-1).any(-1)]


def half_known(record: Record) -> np.ndarray:
    """Bool ``[M]``: some side of the object's box is a guess, so no overlap with it can be measured."""
    if record.unknown_sides is None:
        return np.zeros(len(record), bool)
    return np.asarray(np.any(np.asarray(record.unknown_sides, bool).reshape(len(record), -1), axis=1))


def on_half_known(record: Record, boxes: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Whether each of P pairs is a detection of an object with unknown sides.

    It is where the guessed box is overlapped by an IoU of 0.5 or more, or where every side that is known lies within a
    quarter of the guessed box's extent of the detection's.

    Args:
        record: with the objects, of some of which a side is unknown.
        boxes: ``[N, 2D]`` of the detections.
        pairs: P of these boxes and the record's.

    Returns:
        bool ``[P]``.
    """
    assert record.unknown_sides is not None
    guessed = record.boxes[pairs.labelled].astype(np.float64)
    low, high = np.split(guessed, 2, axis=1)
    near = np.abs(boxes[pairs.found] - guessed) <= SAME_SIDE * np.tile(high - low, 2)
    unknown = np.asarray(record.unknown_sides, bool)[pairs.labelled]
    sides_agree = (near | unknown).all(axis=1) & ~unknown.all(axis=1)
    same: np.ndarray = sides_agree | (pairs.iou >= SAME_PLACE)
    return same


def unsearched(record: Record, found: Instances, kind: str) -> list[dict[str, Any]]:
    """A crowd over the whole image for each detected class that nobody searched this image for.

    Args:
        record: the labels of an image.
        found: its detections, in coordinates of the file.
        kind: "mask": with run lengths of all pixels.

    Returns:
        COCO's annotations, without ids.
    """
    if record.exhaustive is None or len(found) == 0:
        return []
    width, height = (math.ceil(end) for end in found.boxes[:, 2:].amax(dim=0).tolist())
    everywhere: dict[str, Any] = {"bbox": [0, 0, width, height], "area": width * height, "iscrowd": 1}
    if kind == "mask" and found.regions is not None:
        height, width = found.regions.spatial_shape
        everywhere["segmentation"] = {"size": [height, width], "counts": [0, height * width]}
    labels = sorted(set(found.labels.tolist()) - record.exhaustive)
    return [{"category_id": label, **everywhere} for label in labels]
