"""Masks of the frames between two in which an object was seen, in any number of dimensions: nobody looks at these.

A mask lies on a grid over its own tight box. As a signed distance from its border it can be mixed with that of another
mask (Raya and Udupa 1990, shape-based interpolation), and the box goes from one to the other: so the mask moves, grows
and changes its shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from maskrcnn.checks import needed_package
from maskrcnn.ops.nd import interpolate

FINEST = 96  # samples of the grid along each axis; a border is smoother than that


class Between:
    """An object that was seen in two frames.

    Args:
        before, after: its mask in either, bool ``[*W]``, tight: each side of the window touches it.
        low, high: int64 ``[D]``, tensor order: where the two windows begin.
    """

    def __init__(self, before: np.ndarray, low: np.ndarray, after: np.ndarray, high: np.ndarray) -> None:
        self.starts = np.stack([low, high]).astype(np.float64)
        self.shapes = np.array([before.shape, after.shape], np.float64)
        grid = np.minimum(self.shapes.max(0).astype(np.int64), FINEST)
        self.fields = [signed_distance(nearest(mask, grid)) for mask in (before, after)]

    def at(self, part: float) -> tuple[np.ndarray, np.ndarray]:
        """When ``part`` of the way, 0..1, is done: where the mask's window begins, int64 ``[D]``, and bool ``[*W]``."""
        weights = np.array([1 - part, part])
        start = weights @ self.starts
        end = weights @ (self.starts + self.shapes)
        low = np.rint(start).astype(np.int64)
        shape = np.maximum(np.rint(end).astype(np.int64) - low, 1)
        mixed = weights[0] * self.fields[0] + weights[1] * self.fields[1]
        field = interpolate(torch.from_numpy(mixed)[None, None], tuple(int(side) for side in shape))[0, 0]
        return low, (field > 0).numpy()


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """How far each sample lies from what is beyond the mask's border, float64: above 0 inside, below 0 outside. Beside
    the window there is nothing. Raises UsageError where scipy is not installed."""
    ndimage: Any = needed_package("scipy.ndimage", "follow objects", "video")
    padded = np.pad(mask, 1)
    inside, outside = (ndimage.distance_transform_edt(own) for own in (padded, ~padded))
    around = tuple(slice(1, -1) for _ in mask.shape)
    field: np.ndarray = (inside - outside)[around]
    return field


def nearest(mask: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The mask on another grid over the same box: each sample is that at its centre."""
    index = [((np.arange(n) + 0.5) * old / n).astype(np.int64) for n, old in zip(shape, mask.shape)]
    return mask[np.ix_(*index)]
