"""Boxes ``[..., 2D]``: low corner, then high corner, x first; sample k covers [k, k + 1). Spatial shapes are in tensor
order (..., y, x). Each function is the twin of the one of its name in ``maskrcnn.ops``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray
MAX_SCALE = math.log(1000.0 / 16)  # a proposal may grow at most from 16 to 1000 samples (R-CNN)
CHUNK = 512  # boxes of which all pairs are compared at once
CANONICAL_LEVEL = 4  # its stride is 2^level


def corners(boxes: Array) -> tuple[Array, Array]:
    """The low and the high corners, each ``[..., D]``."""
    ndim = boxes.shape[-1] // 2
    return boxes[..., :ndim], boxes[..., ndim:]


def clip_boxes(boxes: Array, spatial_shape: Sequence[int]) -> Array:
    """Boxes cut to the image."""
    limit = np.array(tuple(reversed(tuple(spatial_shape))) * 2, dtype=boxes.dtype)
    return np.minimum(np.maximum(boxes, 0), limit)


def are_larger(boxes: Array, min_size: float) -> Array:
    """Bool ``[...]``: at least ``min_size`` long along every axis; for 0, longer than nothing."""
    low, high = corners(boxes)
    large: Array = ((high - low) >= min_size).all(-1) if min_size > 0 else ((high - low) > 0).all(-1)
    return large


def pairwise_iou(a: Array, b: Array) -> Array:
    """Intersection over union of every pair, ``[N, M]``; 0 where both boxes are empty."""
    ndim = a.shape[-1] // 2
    shared = np.ones((len(a), len(b)), dtype=a.dtype)
    for axis in range(ndim):
        high = np.minimum(a[:, None, ndim + axis], b[None, :, ndim + axis])
        low = np.maximum(a[:, None, axis], b[None, :, axis])
        shared *= np.maximum(high - low, 0)
    volume = [(high - low).prod(-1) for low, high in (corners(a), corners(b))]
    union = volume[0][:, None] + volume[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Greedy non-maximum suppression: indices of the boxes that stay, best score first."""
    order = np.argsort(-scores, kind="stable")
    ranked, alive = boxes[order], np.ones(len(order), dtype=bool)
    kept = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(order), CHUNK):
        stop = start + CHUNK
        own = start + np.flatnonzero(alive[start:stop])
        over, stays = pairwise_iou(ranked[own], ranked[own]) > iou_threshold, np.ones(len(own), dtype=bool)
        for k in range(len(own)):
            if stays[k]:
                stays[k + 1 :] &= ~over[k, k + 1 :]
        kept.append(own[stays])
        alive[stop:] &= ~(pairwise_iou(ranked[kept[-1]], ranked[stop:]) > iou_threshold).any(0)
    return order[np.concatenate(kept)]


def grouped_nms(boxes: Array, scores: Array, groups: Array, iou_threshold: float) -> Array:
    """:func:`nms` within each group alone: indices of what stays, best score first."""
    kept = [np.zeros(0, dtype=np.int64)]
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        kept.append(members[nms(boxes[members], scores[members], iou_threshold)])
    indices = np.sort(np.concatenate(kept))
    return indices[np.argsort(-scores[indices], kind="stable")]


def decode_boxes(deltas: Array, references: Array, weights: Sequence[float]) -> Array:
    """Deltas ``[..., 2D]`` (shifts, then scales, each times its weight) from references to boxes."""
    low, high = corners(references)
    length = high - low
    shift, scale = np.split(deltas / np.array(weights, dtype=deltas.dtype), 2, axis=-1)
    centre = shift * length + (low + 0.5 * length)
    half = 0.5 * (np.exp(np.minimum(scale, MAX_SCALE)) * length)
    return np.concatenate([centre - half, centre + half], axis=-1)


def default_weights(ndim: int) -> tuple[float, ...]:
    """Of the second stage's deltas: 10 for each shift, 5 for each scale."""
    return (10.0,) * ndim + (5.0,) * ndim


def cell_anchors(sizes: Sequence[float], shapes: Sequence[Sequence[float]], rounded: bool = False) -> Array:
    """Anchors around the origin, ``[len(shapes) * len(sizes), 2D]``, shape-major."""
    half = np.array([[0.5 * size * factor for factor in shape] for shape in shapes for size in sizes], np.float32)
    half = np.round(half) if rounded else half
    return np.concatenate([-half, half], axis=1)


def grid_anchors(cells: Array, grid_shape: Sequence[int], stride: Sequence[float]) -> Array:
    """The anchors of a cell at every position of a grid, position-major: ``[prod(grid_shape) * A, 2D]``."""
    axes = [np.arange(n, dtype=np.float32) * np.float32(step) for n, step in zip(grid_shape, stride)]
    positions = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))[:, ::-1]
    return (np.tile(positions, 2)[:, None] + cells[None]).reshape(-1, cells.shape[1])


def assign_levels(boxes: Array, num_levels: int, finest_level: int, canonical: float, epsilon_inside: bool) -> Array:
    """Int64 ``[R]``: the level of each box by its volume^(1/D) (FPN, equation 1), 0 for the finest."""
    ndim = boxes.shape[-1] // 2
    low, high = corners(boxes)
    size = np.maximum((high - low).prod(-1), 0) ** np.float32(1 / ndim)
    ratio = size / np.float32(canonical)
    with np.errstate(divide="ignore"):
        octave = np.log2(ratio + np.float32(1e-8)) if epsilon_inside else np.log2(ratio) + np.float32(1e-6)
    level = np.clip(np.floor(CANONICAL_LEVEL + octave), finest_level, finest_level + num_levels - 1)
    return level.astype(np.int64) - finest_level


def cuboid_around(boxes: Array, margin: float, narrowest: float) -> Array:
    """Regions with the centres of boxes: sides times ``margin``, none shorter than that part of the longest."""
    low, high = corners(boxes)
    sides = (high - low) * np.float32(margin)
    half = np.maximum(sides, sides.max(-1, keepdims=True) * np.float32(narrowest)) / 2
    centre = (low + high) / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def cube_around(boxes: Array, margin: float) -> Array:
    """Cubes with the centres of boxes, ``margin`` of their longest sides long."""
    low, high = corners(boxes)
    centre, half = (low + high) / 2, (high - low).max(-1, keepdims=True) * np.float32(margin / 2)
    return np.concatenate([centre - half, centre + half], axis=-1)


def tile_slices(spatial_shape: Sequence[int], tile: Sequence[int], overlap: float) -> list[tuple[slice, ...]]:
    """An image cut into overlapping tiles of one shape, evenly spread; a shorter axis is not cut."""
    shared = [min(round(overlap * side), side - 1) for side in tile]
    starts = []
    for extent, side, both in zip(spatial_shape, tile, shared):
        count = 1 if extent <= side else -(-(extent - both) // (side - both))
        starts.append([round(k * (extent - side) / (count - 1)) if count > 1 else 0 for k in range(count)])
    return [
        tuple(slice(at, min(at + side, extent)) for at, side, extent in zip(corner, tile, spatial_shape))
        for corner in itertools.product(*starts)
    ]
