"""Overlap (IoU) of anchors with the objects that they are to find."""

from __future__ import annotations

import numpy as np

from maskrcnn.config import AnchorConfig


def best_overlaps(extents: np.ndarray, anchors: AnchorConfig, stride: float) -> np.ndarray:
    """Overlap of objects with the anchor near their centre that resembles them most.

    Args:
        extents: float ``[N, D]``, side lengths of the objects, x first, in samples of the network's
            input.
        anchors: sizes and shapes of the anchors, level by level.
        stride: of the finest level; it doubles from level to level. An anchor lies a quarter of its
            level's stride off the object's centre along every axis, the mean over all places; 0:
            exactly on it.

    Returns:
        IoU ``[N]``, 0..1.
    """
    best = np.zeros(len(extents))
    volumes = extents.prod(1)
    for level, sizes in enumerate(anchors.sizes):
        off = stride * 2**level / 4
        for size in sizes:
            for shape in anchors.shapes:
                sides = size * np.array(shape)
                low, high = np.maximum(-extents / 2, off - sides / 2), np.minimum(extents / 2, off + sides / 2)
                shared = (high - low).clip(0).prod(1)
                best = np.maximum(best, shared / np.maximum(volumes + sides.prod() - shared, 1e-9))
    return best
