"""Keypoints as COCO writes them: a whole number is the centre of a pixel, where ours is a corner."""

from __future__ import annotations

import numpy as np

PIXEL_CENTRE = 0.5


def to_coco_keypoints(keypoints: np.ndarray) -> list[list[float]]:
    """``[N, P, 3]`` as COCO writes points, ``[x, y, score, x, ...]`` for each object: indices that count pixels from 0,
    so that a whole number is the centre of a pixel."""
    moved = keypoints.astype(np.float64) - [PIXEL_CENTRE, PIXEL_CENTRE, 0]
    rows: list[list[float]] = moved.reshape(len(moved), 3 * keypoints.shape[1]).tolist()
    return rows
