"""Hiding parts of an image: the question that evidence must answer, and the places that it is compared with.

A part of an image is bool ``[*S]`` of exactly the same number of samples whatever chose it, so that falls in score
compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.nd import flip_axes


def hottest(heat: Tensor, count: int) -> Tensor:
    """The ``count`` samples of ``heat`` ``[*S]`` that rank highest, as bool ``[*S]``; ties go to the first in order."""
    order = heat.flatten().argsort(descending=True, stable=True)
    chosen = torch.zeros(heat.numel(), dtype=torch.bool, device=heat.device)
    chosen[order[:count]] = True
    return chosen.reshape(heat.shape)


def around(centre: Sequence[float], proportions: Sequence[float], spatial_shape: Sequence[int], count: int) -> Tensor:
    """A block of samples about a place: a box of the given proportions, as large as needed.

    At the border of the image it grows to the other sides instead.

    Args:
        centre: x first.
        proportions: extents of the block, x first; only their ratios count.
        spatial_shape: of the image, tensor order.
        count: samples in the block.

    Returns:
        bool ``[*S]``.
    """
    nearness = torch.full(tuple(spatial_shape), torch.inf)
    for axis, (c, extent) in enumerate(zip(reversed(tuple(centre)), reversed(tuple(proportions)))):
        distance = (torch.arange(spatial_shape[axis]) + 0.5 - c).abs() / max(extent, 1e-6)
        layout = [-1 if a == axis else 1 for a in range(nearness.dim())]
        nearness = torch.minimum(nearness, -distance.reshape(layout))
    return hottest(nearness, count)


def random_block(spatial_shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    """A block in the image's own proportions about a place drawn at random.

    Args:
        spatial_shape: of the image, tensor order.
        count: samples in the block.
        generator: what is drawn comes from.

    Returns:
        bool ``[*S]``.
    """
    sides = flip_axes(spatial_shape)
    centre = [side * float(torch.rand((), generator=generator)) for side in sides]
    return around(centre, sides, spatial_shape, count)


def random_cells(spatial_shape: Sequence[int], count: int, cell: int, generator: torch.Generator) -> Tensor:
    """Cells drawn at random until they hold a number of samples.

    Args:
        spatial_shape: of the image, tensor order.
        count: samples in all cells together.
        cell: samples along a side of a cell.
        generator: what is drawn comes from.

    Returns:
        bool ``[*S]``.
    """
    ranks = torch.rand([-(-side // cell) for side in spatial_shape], generator=generator)
    for axis, side in enumerate(spatial_shape):
        ranks = ranks.repeat_interleave(cell, axis).narrow(axis, 0, side)
    return hottest(ranks, count)


def hide(image: Tensor, part: Tensor, fill: Sequence[float]) -> Tensor:
    """Paint over a part of an image.

    Args:
        image: ``[C, *S]``.
        part: bool ``[*S]``, what is hidden.
        fill: of each channel; the mean that the model's preprocessing subtracts is 0 to the model,
            and says nothing.

    Returns:
        float32 ``[C, *S]``.
    """
    color = torch.tensor(tuple(fill), dtype=torch.float32).reshape(-1, *(1,) * part.dim())
    return torch.where(part, color, image.float())
