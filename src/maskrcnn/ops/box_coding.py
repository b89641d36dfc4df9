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
    """Deltas ``[..., 2D]`` that lead from ``references`` to ``boxes``, both ``[..., 2D]``; the references' lengths
    must not be 0.

    Shift: distance of the centres in units of the reference's length. Scale: logarithm of the ratio of lengths.
    """
    low, high = references.chunk(2, -1)
    target_low, target_high = boxes.chunk(2, -1)
    length, target_length = high - low, target_high - target_low
    shift = ((target_low + 0.5 * target_length) - (low + 0.5 * length)) / length
    scale = torch.log(target_length / length)
    return torch.cat([shift, scale], -1) * boxes.new_tensor(tuple(weights))


def decode_boxes(deltas: Tensor, references: Tensor, weights: Sequence[float], max_scale: float = MAX_SCALE) -> Tensor:
    """Boxes ``[..., 2D]`` at ``deltas`` from ``references`` (broadcast against each other)."""
    low, high = references.chunk(2, -1)
    length = high - low
    shift, scale = (deltas / deltas.new_tensor(tuple(weights))).chunk(2, -1)
    centre = shift * length + (low + 0.5 * length)
    half = 0.5 * (torch.exp(scale.clamp(max=max_scale)) * length)
    return torch.cat([centre - half, centre + half], -1)
