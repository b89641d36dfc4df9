"""A z-buffer: which triangle of a mesh each pixel of a picture shows, and where on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = 2**31 - 1  # of depth that the buffer tells apart


@dataclass(frozen=True)
class Raster:
    """What P pixels of a picture show; the others show nothing.

    Attributes:
        rows: int64 ``[P]``.
        columns: int64 ``[P]``.
        triangles: int64 ``[P]``: the nearest triangle at the middle of each pixel.
        weights: float32 ``[P, 3]``: how much each corner of it counts there, in space; they sum to 1.
        depths: float32 ``[P]``: of what is seen.
    """

    rows: Tensor
    columns: Tensor
    triangles: Tensor
    weights: Tensor
    depths: Tensor


def rasterise(corners: Tensor, triangles: Tensor, height: int, width: int) -> Raster:
    """Draw a mesh by a z-buffer without a loop over triangles: every pixel in every triangle's own rectangle is a
    candidate, and the nearest that covers the pixel's middle wins.

    Args:
        corners: ``[V, 3]``: x and y in pixels (pixel k covers [k, k + 1)), and depth; what lies at a depth of 0 or
            less is behind the camera and not drawn.
        triangles: int64 ``[F, 3]``, rows of ``corners``.
        height: of the picture.
        width: of the picture.

    Returns:
        What is seen, pixel after pixel, row by row.
    """
    own = corners[triangles]  # [F, 3, 3]
    depth = own[..., 2]
    first = (own[..., :2].amin(1) - 0.5).ceil().clamp(min=0)
    last = (own[..., :2].amax(1) - 0.5).floor().minimum(own.new_tensor([width - 1, height - 1]))
    sides = (last - first + 1).clamp(min=0).long()
    area = _cross(own[:, 1, :2] - own[:, 0, :2], own[:, 2, :2] - own[:, 0, :2])
    drawn = ((depth > 0).all(1) & (area.abs() > 1e-9)).nonzero()[:, 0]
    drawn = drawn[sides[drawn].prod(1) > 0]
    counts = sides[drawn].prod(1)
    owner = torch.repeat_interleave(drawn, counts)
    within = torch.arange(len(owner)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    across = sides[owner, 0]
    column = first[owner, 0].long() + within % across
    row = first[owner, 1].long() + within // across
    weights = _barycentric(own[owner, :, :2], torch.stack([column, row], 1) + 0.5, area[owner])
    inside = (weights >= 0).all(1).nonzero()[:, 0]
    owner, row, column, weights = owner[inside], row[inside], column[inside], weights[inside]
    inverse = (weights / depth[owner]).sum(1)  # 1 / depth is linear on the picture
    pixel = row * width + column
    nearness = (1 - inverse / inverse.max().clamp(min=1e-12) if len(inverse) else inverse).double() * STEPS
    key = (nearness.long() << 32) + owner  # one number a candidate: depth first, then the triangle
    best = torch.full((height * width,), torch.iinfo(torch.int64).max)
    best.scatter_reduce_(0, pixel, key, "amin")
    kept = (best[pixel] == key).nonzero()[:, 0]
    kept = kept[pixel[kept].argsort()]
    weights = weights[kept] / depth[owner[kept]] / inverse[kept, None]
    return Raster(row[kept], column[kept], owner[kept], weights, 1 / inverse[kept])


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _barycentric(corners: Tensor, places: Tensor, area: Tensor) -> Tensor:
    """Weights ``[N, 3]`` of the corners ``[N, 3, 2]`` at ``[N, 2]``; ``area`` ``[N]`` is twice that of the triangle."""
    to = corners - places[:, None]
    return (
        torch.stack([_cross(to[:, 1], to[:, 2]), _cross(to[:, 2], to[:, 0]), _cross(to[:, 0], to[:, 1])], 1)
        / (area[:, None])
    )
