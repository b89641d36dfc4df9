"""Masks between an object's own box and the image: pasting (box to image) and cropping (image to box).

Both are separable by axis, both touch only the object's own window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.roi_align import pool_bins


def paste_mask(
    mask: Tensor, box: Tensor, spatial_shape: Sequence[int], exact_torchvision: bool = False
) -> tuple[tuple[int, ...], Tensor]:
    """Resample one mask from its box to the samples of the image that the box touches.

    Sample k's value is the mask, read linearly at the sample's centre k + 0.5 (0 beyond the mask's own samples), which
    is detectron2's rule. ``exact_torchvision`` gives torchvision's: the mask is framed by one zero sample, the box
    grown to fit and rounded to whole samples.

    Args:
        mask: ``[*M]``, probabilities.
        box: ``[2D]``, x first, on the image.
        spatial_shape: of the image, tensor order.

    Returns:
        The window's offset (tensor order) and its values ``[*window]``; the window is empty where the box lies outside.
    """
    low, high = (corner.flip(-1).tolist() for corner in box.detach().cpu().chunk(2))
    values, offset = mask, []
    for axis, (a, b, size) in enumerate(zip(low, high, spatial_shape)):
        resample = _integer_weights if exact_torchvision else _centre_weights
        start, weights = resample(a, b, int(size), mask.shape[axis], mask)
        offset.append(start)
        values = torch.tensordot(values, weights, dims=([axis], [1])).movedim(-1, axis)
    return tuple(offset), values


def _centre_weights(low: float, high: float, size: int, bins: int, like: Tensor) -> tuple[int, Tensor]:
    """First sample and weights ``[n, bins]`` with which n image samples read a mask row that spans low..high."""
    start, stop = max(math.floor(low), 0), min(math.ceil(high), size)
    centres = torch.arange(start, max(stop, start), dtype=like.dtype, device=like.device) + 0.5
    position = (centres - low) / max(high - low, 1e-6) * bins - 0.5
    return start, _hat(position, bins)


def _integer_weights(low: float, high: float, size: int, bins: int, like: Tensor) -> tuple[int, Tensor]:
    """As :func:`_centre_weights` with torchvision's frame of one zero sample and its rounding towards zero."""
    half, centre = (high - low) * 0.5 * (bins + 2) / bins, (high + low) * 0.5
    first, last = int(centre - half), int(centre + half)
    length = max(last - first + 1, 1)
    start, stop = max(first, 0), min(last + 1, size)
    samples = torch.arange(start, max(stop, start), dtype=like.dtype, device=like.device) - first
    position = ((samples + 0.5) * ((bins + 2) / length) - 0.5).clamp(0, bins + 1) - 1
    return start, _hat(position, bins)


def _hat(position: Tensor, bins: int) -> Tensor:
    """Weights ``[n, bins]`` of linear interpolation at ``position`` ``[n]``; nothing beyond the outermost bins."""
    centres = torch.arange(bins, dtype=position.dtype, device=position.device)
    return (1 - (position[:, None] - centres).abs()).clamp(min=0)


def crop_masks(
    table: Tensor, origin: Tensor, grid_shape: Tensor, boxes: Tensor, output_size: Sequence[int], aligned: bool = True
) -> Tensor:
    """What part of each bin of a box its object covers: the mask targets ``[R, *output_size]``, 0..1.

    Args:
        table: ``[T]``, the objects' windows (0 or 1) one after another, each framed by at least one 0 where the image
            goes on, so that nothing bleeds past it.
        origin, grid_shape, boxes, output_size, aligned: as in :func:`maskrcnn.ops.roi_align.pool_bins`, sampled
            adaptively; boxes are relative to each window's first sample.
    """
    return pool_bins(table[:, None], origin, grid_shape, boxes, output_size, 0, aligned)[..., 0]
