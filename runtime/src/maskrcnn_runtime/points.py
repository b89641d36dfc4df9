"""Keypoints from heatmaps; twins of ``maskrcnn.ops.keypoints``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from maskrcnn_runtime.boxes import Array, corners

REACH = 2  # bins to either side of a heatmap's peak that are taken for the same point


def decode_keypoints(logits: Array, boxes: Array) -> Array:
    """Of heatmap logits ``[N, P, *M]`` over boxes ``[N, 2D]`` the mean place near each peak, and the probability that
    lies there: ``[N, P, D + 1]``, x first."""
    bins = logits.shape[2:]
    if logits.size == 0:
        return np.zeros((*logits.shape[:2], len(bins) + 1), dtype=np.float32)
    flat = logits.reshape(*logits.shape[:2], -1)
    odds = np.exp(flat - flat.max(-1, keepdims=True))
    probability = odds / odds.sum(-1, keepdims=True)
    peak = np.unravel_index(probability.argmax(-1), bins)
    mass = np.zeros(flat.shape[:2], dtype=np.float32)
    moment = [np.zeros_like(mass) for _ in bins]
    for steps in itertools.product(range(-REACH, REACH + 1), repeat=len(bins)):
        index, there = np.zeros_like(peak[0]), np.ones(peak[0].shape, dtype=bool)
        for place, step, size in zip(peak, steps, bins):
            at = place + step
            index, there = index * size + at, there & (at >= 0) & (at < size)
        weight = np.take_along_axis(probability, (index * there)[..., None], -1)[..., 0] * there
        mass += weight
        moment = [m + weight * step for m, step in zip(moment, steps)]
    inside = [(place + np.float32(0.5) + m / mass) / size for place, m, size in zip(peak, moment, bins)]
    low, high = (corner[:, None] for corner in corners(boxes))
    points = low + np.stack(inside[::-1], -1).astype(np.float32) * (high - low)
    return np.concatenate([points, np.minimum(mass, 1)[..., None]], -1)


def decode_highest(logits: Array, boxes: Array) -> Array:
    """As :func:`decode_keypoints`, but the place at which the heatmap, enlarged to its box by cubic interpolation, is
    highest."""
    points = decode_keypoints(logits, boxes)
    low, high = corners(boxes)
    for own, heatmaps, start, extent in zip(points, logits, low, np.maximum(high - low, 1)):
        enlarged = heatmaps
        for axis, bins in enumerate(np.ceil(extent).astype(np.int64)[::-1].tolist(), 1):
            matrix = cubic_matrix(enlarged.shape[axis], bins).astype(np.float32)
            enlarged = np.moveaxis(np.moveaxis(enlarged, axis, -1) @ matrix.T, -1, axis)
        index = np.unravel_index(enlarged.reshape(len(enlarged), -1).argmax(1), enlarged.shape[1:])
        own[:, :-1] = (np.stack(index[::-1], -1) + 0.5) * (extent / np.ceil(extent)) + start
    return points


def cubic_matrix(bins: int, size: int) -> Array:
    """``[size, bins]``: resampling along one axis by Keys' cubic kernel (a = -0.75), the border repeated."""
    at = (np.arange(size) + 0.5) * (bins / size) - 0.5
    taps = np.floor(at)[:, None] + np.arange(-1, 3)
    distance, a = np.abs(at[:, None] - taps), -0.75
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    matrix = np.zeros((size, bins))
    rows = np.broadcast_to(np.arange(size)[:, None], taps.shape)
    np.add.at(matrix, (rows, np.clip(taps.astype(np.int64), 0, bins - 1)), np.where(distance <= 1, near, far))
    return matrix


def keep_inside(points: Array, spatial_shape: Sequence[int]) -> Array:
    """Points ``[N, P, D + 1]`` outside the image moved to its border, with score 0."""
    places, scores = points[..., :-1], points[..., -1:]
    size = np.array(tuple(reversed(tuple(spatial_shape))), dtype=points.dtype)
    inside = ((places >= 0) & (places <= size)).all(-1, keepdims=True)
    return np.concatenate([np.minimum(np.maximum(places, 0), size), scores * inside], -1)


DECODERS: dict[str, Callable[[Array, Array], Array]] = {"mean": decode_keypoints, "highest": decode_highest}
