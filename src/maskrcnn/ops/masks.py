"""Masks between an object's own box and the image: pasting (box to image) and cropping (image to box).

Both are separable by axis, both touch only the object's own window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.roi_align import axis_rows, start_and_length


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


def crop_mask(mask: Tensor, box: Tensor, output_size: Sequence[int], aligned: bool = True) -> Tensor:
    """What part of each bin of a box an object covers: the mask target ``[*output_size]``, 0..1.

    The same numbers as RoIAlign with adaptive sampling, as one small matrix product an axis.

    Args:
        mask: ``[*n]``, 0 or 1: the object's window, framed by at least one 0 wherever the image goes on, so that
            nothing bleeds past it.
        box: ``[2D]``, x first, relative to the window's first sample. It may be flipped (high corner below low): the
            bins then come out in flipped order.
        aligned: as in :func:`maskrcnn.ops.roi_align.pool_bins`.
    """
    low, high = (corner.flip(-1).tolist() for corner in box.detach().chunk(2))
    for axis, (a, b, bins) in enumerate(zip(low, high, output_size)):
        weights = bin_weights(a, b, mask.shape[axis], bins, aligned).to(mask.dtype)
        mask = torch.tensordot(mask, weights, dims=([axis], [1])).movedim(-1, axis)
    return mask


def bin_weights(low: float, high: float, size: int, bins: int, aligned: bool) -> Tensor:
    """``[bins, size]``: how much each of ``size`` samples counts in each bin of low..high, sampled adaptively."""
    start, length = start_and_length(torch.tensor([low]), torch.tensor([high]), aligned)
    bin_length = length / bins
    count = math.ceil(abs(bin_length.item()))
    weights = torch.zeros(bins, size)
    if count:
        rows, parts = axis_rows(torch.tensor([size]), start, bin_length, bins, count)
        weights.scatter_add_(1, rows[0], parts[0])
    return weights
