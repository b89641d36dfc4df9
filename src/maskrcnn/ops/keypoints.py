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
        reach: bins around the highest one, along each axis, that the mean is taken over.

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


def decode_highest(logits: Tensor, boxes: Tensor) -> Tensor:
    """The point at which each heatmap, enlarged to its box by cubic interpolation, is highest; torchvision's and
    detectron2's way.

    The enlarged heatmap has a bin for each whole sample of the box, rounded up, so a point lies at the centre of one of
    these. Its score is that of :func:`decode_keypoints`: what the references give instead, the logit itself, is no
    probability.

    Args and returns: as :func:`decode_keypoints`. One box after the other: enlarged heatmaps are large.
    """
    points = decode_keypoints(logits, boxes)
    extents = full(boxes)[:, boxes.shape[1] // 2 :] - full(boxes)[:, : boxes.shape[1] // 2]
    extents = extents.clamp(min=1)  # x first
    sizes = extents.ceil().long().flip(1).tolist()  # tensor order
    for own, heatmaps, box, extent, size in zip(points, full(logits), full(boxes), extents, sizes):
        enlarged = heatmaps
        for axis, bins in enumerate(size, 1):
            enlarged = torch.tensordot(enlarged, cubic_matrix(enlarged.shape[axis], bins).to(enlarged), ([axis], [1]))
            enlarged = enlarged.movedim(-1, axis)
        index = torch.stack(torch.unravel_index(enlarged.flatten(1).argmax(1), enlarged.shape[1:])[::-1], -1)
        own[:, :-1] = (index + 0.5) * (extent / extent.ceil()) + box[: len(extent)]
    return points


def keep_inside(points: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """Points ``[N, P, D + 1]`` that lie outside the image (``spatial_shape`` in tensor order) moved to its border, with
    score 0: what a head guesses out there is not in the picture."""
    places, scores = points.split([points.shape[-1] - 1, 1], -1)
    size = places.new_tensor(tuple(reversed(tuple(spatial_shape))))
    inside = ((places >= 0) & (places <= size)).all(-1, keepdim=True)
    return torch.cat([places.clamp(min=0).minimum(size), scores * inside], -1)


def cubic_matrix(bins: int, size: int) -> Tensor:
    """``[size, bins]``: resampling along one axis by Keys' cubic kernel (a = -0.75), samples at their centres and the
    border repeated, as the references resize."""
    at = (torch.arange(size, dtype=torch.float64) + 0.5) * (bins / size) - 0.5
    taps = at.floor()[:, None] + torch.arange(-1, 3)  # the four samples around each position
    distance = (at[:, None] - taps).abs()
    a = -0.75
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    weights = torch.where(distance <= 1, near, far)
    matrix = torch.zeros(size, bins, dtype=torch.float64)
    return matrix.scatter_add_(1, taps.long().clamp(0, bins - 1), weights)


# How a heatmap becomes a point, by the name in the config.
DECODERS = {"mean": decode_keypoints, "highest": decode_highest}
