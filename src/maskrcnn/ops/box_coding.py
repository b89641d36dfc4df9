"""Boxes as deltas from other boxes (R-CNN, Girshick et al. 2014, appendix C), in any D: shifts first, then scales."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# The paper's limit for a scale delta: a proposal may grow at most from 16 to 1000 samples.
MAX_SCALE = math.log(1000.0 / 16)


def default_weights(ndim: int) -> tuple[float, ...]:
    """Factors of the second stage's deltas: 10 for each shift, 5 for each scale."""
    return (10.0,) * ndim + (5.0,) * ndim


def encode_boxes(boxes: Tensor, references: Tensor, weights: Sequence[float]) -> Tensor:
    """Encode boxes as deltas from reference boxes.

    Shift: distance of the centres in units of the reference's length. Scale: logarithm of the ratio
    of lengths.

    Args:
        boxes: ``[..., 2D]``.
        references: ``[..., 2D]``, whose lengths must not be 0.
        weights: a factor for each of the 2D deltas.

    Returns:
        Deltas ``[..., 2D]``: shifts first, then scales.
    """
    low, high = references.chunk(2, -1)
    target_low, target_high = boxes.chunk(2, -1)
    length, target_length = high - low, target_high - target_low
    shift = ((target_low + 0.5 * target_length) - (low + 0.5 * length)) / length
    scale = torch.log(target_length / length)
    return torch.cat([shift, scale], -1) * boxes.new_tensor(tuple(weights))


def decode_boxes(deltas: Tensor, references: Tensor, weights: Sequence[float], max_scale: float = MAX_SCALE) -> Tensor:
    """Decode deltas into boxes.

    Args:
        deltas: ``[..., 2D]``, shifts first, then scales.
        references: ``[..., 2D]``, broadcast against the deltas.
        weights: those of :func:`encode_boxes`.
        max_scale: largest logarithm of a ratio of lengths; larger ones are cut off.

    Returns:
        ``[..., 2D]``.
    """
    low, high = references.chunk(2, -1)
    length = high - low
    shift, scale = (deltas / deltas.new_tensor(tuple(weights))).chunk(2, -1)
    centre = shift * length + (low + 0.5 * length)
    half = 0.5 * (torch.exp(scale.clamp(max=max_scale)) * length)
    return torch.cat([centre - half, centre + half], -1)
