"""Maps over boxes, read at points and at the samples of windows: where on its surface an object is seen.

Maps ``[..., *M]`` are in tensor order (..., z, y, x); points and boxes are x first. Bin k's value lies at k + 0.5.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.nd import read_linear


def places_in_boxes(places: Tensor, boxes: Tensor, bins: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Where points lie among the bins over boxes.

    Args:
        places: ``[T, D]``, x first.
        boxes: ``[T, 2D]``, one for each point.
        bins: *M, tensor order.

    Returns:
        ``[T, D]`` in bins, x first, and bool ``[T]``: the point lies in its box, whose high border is outside.
    """
    low, high = boxes.chunk(2, -1)
    inside = ((places >= low) & (places < high)).all(-1)
    return (places - low) / (high - low) * places.new_tensor(tuple(reversed(tuple(bins)))), inside


def read_at_points(maps: Tensor, rows: Tensor, places: Tensor, channels: Tensor | None = None) -> Tensor:
    """Read maps linearly at points; beyond the outermost bins they go on as they are.

    Args:
        maps: ``[R, C, *M]``.
        rows: int64 ``[T]``: the map of each point.
        places: ``[T, D]`` in bins, x first.
        channels: int64 ``[T]``: the channel that is read at each point; None: all.

    Returns:
        ``[T]``, or ``[T, C]``.
    """
    sides = tuple(maps.shape[2:])
    at = (places.flip(-1) - 0.5).clamp(min=0)
    at = at.minimum(at.new_tensor(sides) - 1)
    below = at.floor()
    part = at - below
    lowest = below.long()
    total = maps.new_zeros(())
    for corner in itertools.product((0, 1), repeat=len(sides)):
        step = lowest.new_tensor(corner)
        index = (lowest + step).minimum(lowest.new_tensor(sides) - 1).unbind(-1)
        weight = torch.where(step.bool(), part, 1 - part).prod(-1).to(maps.dtype)
        if channels is None:
            total = total + maps.movedim(1, -1)[(rows, *index)] * weight[:, None]
        else:
            total = total + maps[(rows, channels, *index)] * weight
    return total


def split_maps(maps: Tensor, coarse: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Coarse segmentation ``[R, S, *M]``, parts, u and v, each ``[R, P + 1, *M]``, of ``[R, S + 3 (P + 1), *M]``."""
    parts = (maps.shape[1] - coarse) // 3
    own = maps.split((coarse, parts, parts, parts), 1)
    return own[0], own[1], own[2], own[3]


def decode_surface(
    maps: Tensor, coarse: int, region: Tensor, low: Sequence[int], high: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """The part, u and v of every sample of a window: the likeliest part where the coarse segmentation says body.

    Args:
        maps: ``[S + 3 (P + 1), *M]``: logits of the coarse segmentation and of the parts, then u and v of each.
        coarse: S.
        region: ``[2D]``, over which the maps lie.
        low: the first sample of the window, tensor order.
        high: the one after its last.

    Returns:
        int64 ``[*W]``, 0 where there is none, and float32 ``[2, *W]``, 0 there.
    """
    start, stop = region.double().cpu().flip(0).chunk(2)[::-1]  # corners in tensor order
    sides = torch.tensor(maps.shape[1:], dtype=torch.float64)
    scale = sides / (stop - start).clamp(min=1e-6)
    shift = (-start * scale).tolist()
    body, logits, u, v = (own[0] for own in split_maps(maps[None], coarse))
    likeliest, where = (read_linear(own, scale.tolist(), shift, low, high).argmax(0) for own in (logits, body))
    parts = likeliest * (where > 0)
    index = parts.nonzero()
    first = index.new_tensor(tuple(low))
    places = ((index + first + 0.5) * scale.to(maps.device) + scale.new_tensor(shift).to(maps.device)).flip(1)
    samples = tuple(index.unbind(1))
    own = parts[samples]
    uv = torch.zeros((2, *parts.shape), device=maps.device)
    for axis, values in enumerate((u, v)):
        uv[axis][samples] = read_at_points(values[None], torch.zeros_like(own), places, own).float()
    return parts, uv
