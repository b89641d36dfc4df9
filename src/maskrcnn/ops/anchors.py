"""Anchors: boxes of a few sizes and shapes around every cell of a feature grid (Faster R-CNN, section 3.1.1)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor


def aspect_shapes(ratios: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """2-D anchor shapes of product 1 (x first) from ratios of height to width."""
    return tuple((ratio**-0.5, ratio**0.5) for ratio in ratios)


def cell_anchors(sizes: Sequence[float], shapes: Sequence[Sequence[float]], rounded: bool = False) -> Tensor:
    """Anchors around the origin, ``[len(shapes) * len(sizes), 2D]``, shape-major.

    Args:
        sizes: geometric mean of an anchor's lengths, in samples.
        shapes: D factors (x first) of product 1, by which a size is stretched along each axis.
        rounded: half lengths rounded to whole samples, as torchvision does.

    Returns:
        ``[len(shapes) * len(sizes), 2D]``.
    """
    half = torch.tensor([[0.5 * size * factor for factor in shape] for shape in shapes for size in sizes])
    half = half.round() if rounded else half
    return torch.cat([-half, half], 1)


def grid_anchors(cells: Tensor, grid_shape: Sequence[int], stride: Sequence[float]) -> Tensor:
    """Repeat the anchors of a cell at every position of a grid, position-major.

    Args:
        cells: ``[A, 2D]``, around the origin.
        grid_shape: of the feature map, tensor order.
        stride: samples between neighbouring positions along each axis, tensor order; the first
            position is at 0.

    Returns:
        ``[prod(grid_shape) * A, 2D]``.
    """
    axes = [torch.arange(n, dtype=cells.dtype, device=cells.device) * s for n, s in zip(grid_shape, stride)]
    positions = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2).flip(-1)
    return (positions.repeat(1, 2)[:, None] + cells[None]).flatten(0, 1)


def volume_shapes(stretch: Sequence[float], ndim: int) -> tuple[tuple[float, ...], ...]:
    """Shapes of product 1 for any D: the cube, then each axis stretched by each factor against the others."""
    shapes = [(1.0,) * ndim]
    for factor, axis in itertools.product(stretch, range(ndim)):
        long, short = factor ** ((ndim - 1) / ndim), factor ** (-1 / ndim)
        shapes.append(tuple(long if a == axis else short for a in range(ndim)))
    return tuple(dict.fromkeys(shapes))  # a length alone (D = 1) has no other to be stretched against
