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
    """A block of ``count`` samples about a place, as bool ``[*S]``: a box of the given proportions, as large as needed.

    At the border of the image it grows to the other sides instead.

    Args:
        centre: x first.
        proportions: extents of the block, x first; only their ratios count.
        spatial_shape: of the image, tensor order.
    """
    nearness = torch.full(tuple(spatial_shape), torch.inf)
    for axis, (c, extent) in enumerate(zip(reversed(tuple(centre)), reversed(tuple(proportions)))):
        distance = (torch.arange(spatial_shape[axis]) + 0.5 - c).abs() / max(extent, 1e-6)
        layout = [-1 if a == axis else 1 for a in range(nearness.dim())]
        nearness = torch.minimum(nearness, -distance.reshape(layout))
    return hottest(nearness, count)


def random_block(spatial_shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    """A block of ``count`` samples in the image's own proportions about a place drawn at random, as bool ``[*S]``."""
    sides = flip_axes(spatial_shape)
    centre = [side * float(torch.rand((), generator=generator)) for side in sides]
    return around(centre, sides, spatial_shape, count)


def random_cells(spatial_shape: Sequence[int], count: int, cell: int, generator: torch.Generator) -> Tensor:
    """Cells of ``cell`` samples a side, drawn at random until they hold ``count`` samples, as bool ``[*S]``."""
    ranks = torch.rand([-(-side // cell) for side in spatial_shape], generator=generator)
    for axis, side in enumerate(spatial_shape):
        ranks = ranks.repeat_interleave(cell, axis).narrow(axis, 0, side)
    return hottest(ranks, count)


def hide(image: Tensor, part: Tensor, fill: Sequence[float]) -> Tensor:
    """``[C, *S]`` as float32 with ``part`` (bool ``[*S]``) painted over.

    Args:
        fill: of each channel; the mean that the model's preprocessing subtracts is 0 to the model, and says nothing.
    """
    color = torch.tensor(tuple(fill), dtype=torch.float32).reshape(-1, *(1,) * part.dim())
    return torch.where(part, color, image.float())
