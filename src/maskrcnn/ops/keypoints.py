"""Keypoints as heatmaps: M bins along every axis of a box, of which one is the point's (Mask R-CNN, section 5).

Heatmaps ``[..., *M]`` are in tensor order (..., z, y, x); points are x first, in the coordinates of the box.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.nd import full

REACH = 2  # bins to either side of a heatmap's peak that are taken for the same point


def encode_keypoints(keypoints: Tensor, boxes: Tensor, bins: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The bin of each keypoint in the heatmap over its object's box.

    Args:
        keypoints: ``[N, P, D + 1]``: coordinates x first, then visibility, of which 0 is "not labelled".
        boxes: ``[N, 2D]``.
        bins: *M.

    Returns:
        index: int64 ``[N, P]`` into the flattened heatmap; 0 where there is none.
        valid: bool ``[N, P]``: labelled, and inside the box or on its border.
    """
    low, high = boxes[:, None].chunk(2, -1)
    count = keypoints.new_tensor(tuple(reversed(tuple(bins))))
    inside = (keypoints[..., :-1] - low) / (high - low) * count  # x first; not a number in an empty box
    valid = (keypoints[..., -1] > 0) & ((inside >= 0) & (inside <= count)).all(-1)
    position = torch.minimum(inside.nan_to_num().clamp(min=0).floor(), count - 1).long()
    strides = [math.prod(tuple(bins)[axis + 1 :]) for axis in range(len(bins))]
    index = (position * position.new_tensor(tuple(reversed(strides)))).sum(-1)
    return index * valid, valid


def decode_keypoints(logits: Tensor, boxes: Tensor, reach: int = REACH) -> Tensor:
    """The point that each heatmap shows.

    A heatmap is the logarithm of a distribution over its bins. The point is the mean of the distribution within
    ``reach`` bins of its highest one, which is finer than a bin; the score is the probability that lies there.

    Args:
        logits: ``[N, P, *M]``.
        boxes: ``[N, 2D]``.

    Returns:
        ``[N, P, D + 1]``: coordinates x first, then score, 0..1.
    """
    bins = tuple(logits.shape[2:])
    probability = full(logits).flatten(2).softmax(-1)
    if logits.numel() == 0:
        return probability.new_zeros((*logits.shape[:2], len(bins) + 1))
    peak = torch.unravel_index(probability.argmax(-1), bins)
    mass = torch.zeros_like(probability[..., 0])
    moment = [torch.zeros_like(mass) for _ in bins]
    for steps in itertools.product(range(-reach, reach + 1), repeat=len(bins)):
        position = [p + step for p, step in zip(peak, steps)]
        index, there = torch.zeros_like(peak[0]), torch.ones_like(peak[0], dtype=torch.bool)
        for p, size in zip(position, bins):
            index, there = index * size + p, there & (p >= 0) & (p < size)
        weight = probability.gather(-1, (index * there)[..., None])[..., 0] * there
        mass += weight
        moment = [m + weight * step for m, step in zip(moment, steps)]
    inside = [(p + 0.5 + m / mass) / size for p, m, size in zip(peak, moment, bins)]
    low, high = full(boxes)[:, None].chunk(2, -1)
    points = low + torch.stack(inside[::-1], -1) * (high - low)
    return torch.cat([points, mass[..., None].clamp(max=1)], -1)
