"""Boxes ``[..., 2D]``: low corner then high corner, x first, continuous coordinates; sample k covers [k, k + 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The low and the high corners, each ``[..., D]``."""
    low, high = boxes.chunk(2, -1)
    return low, high


def extents(boxes: Tensor) -> Tensor:
    """Length along each axis, ``[..., D]``, x first."""
    low, high = corners(boxes)
    return high - low


def volumes(boxes: Tensor) -> Tensor:
    """Length, area or volume ``[...]``, in samples."""
    return extents(boxes).prod(-1)


def clip_boxes(boxes: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """Cut boxes ``[..., 2D]`` to the image ``spatial_shape`` (tensor order)."""
    limit = boxes.new_tensor(tuple(reversed(tuple(spatial_shape))) * 2)
    return torch.minimum(boxes.clamp(min=0), limit)


def are_larger(boxes: Tensor, min_size: float) -> Tensor:
    """Bool ``[...]``: at least ``min_size`` long along every axis; for 0, longer than nothing (detectron2's rule)."""
    lengths = extents(boxes)
    return (lengths >= min_size).all(-1) if min_size > 0 else (lengths > 0).all(-1)


def pairwise_intersection(a: Tensor, b: Tensor) -> Tensor:
    """Shared volume of every pair, ``[N, M]``, of boxes ``[N, 2D]`` and ``[M, 2D]``.

    One axis at a time, so the largest temporary is ``[N, M]`` for every D.
    """
    ndim = a.shape[-1] // 2
    shared = a.new_ones((a.shape[0], b.shape[0]))
    for axis in range(ndim):
        high = torch.minimum(a[:, None, ndim + axis], b[None, :, ndim + axis])
        low = torch.maximum(a[:, None, axis], b[None, :, axis])
        shared = shared * (high - low).clamp(min=0)
    return shared


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every pair, ``[N, M]``; 0 where both boxes are empty."""
    shared = pairwise_intersection(a, b)
    union = volumes(a)[:, None] + volumes(b)[None, :] - shared
    return torch.where(union > 0, shared / union, torch.zeros_like(shared))


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes ``a`` and ``b``, both ``[..., 2D]``, one to one, less the part of their common hull that neither
    covers: -1..1, and it still tells how far apart boxes are that do not meet (Rezatofighi et al. 2019)."""
    (a_low, a_high), (b_low, b_high) = corners(a), corners(b)
    shared = (torch.minimum(a_high, b_high) - torch.maximum(a_low, b_low)).clamp(min=0).prod(-1)
    hull = (torch.maximum(a_high, b_high) - torch.minimum(a_low, b_low)).clamp(min=0).prod(-1)
    union = volumes(a) + volumes(b) - shared
    tiny = torch.finfo(a.dtype).tiny
    return shared / union.clamp(min=tiny) - (hull - union) / hull.clamp(min=tiny)


def pairwise_coverage(a: Tensor, b: Tensor) -> Tensor:
    """Part of each box of ``a`` that lies in each box of ``b``, ``[N, M]``; how crowd regions are matched."""
    own = volumes(a)[:, None]
    shared = pairwise_intersection(a, b)
    return torch.where(own > 0, shared / own, torch.zeros_like(shared))
