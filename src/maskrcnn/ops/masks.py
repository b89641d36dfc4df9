"""Masks between an object's own box and the image: pasting (box to image) and cropping (image to box).

Both are separable by axis, both touch only the object's own window.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
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
        exact_torchvision: follow torchvision's rule instead of detectron2's.

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


def mask_spans(
    masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int], threshold: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Where pasted masks reach ``threshold``, row by row, without pasting them.

    Along the last axis a pasted mask is a chain of straight lines between its own bins, so the samples at which it
    crosses the threshold are computed, not looked for: the work is that of its bins in each row, however long the row.
    It is :func:`paste_mask` ``>= threshold`` but for rounding where a sample's value *is* the threshold.

    Args:
        masks: ``[N, *M]``, probabilities.
        boxes: ``[N, 2D]``, x first, on the image.
        spatial_shape: of the image, tensor order.
        threshold: above 0: beyond its own bins a mask is 0, and that must lie outside the object.

    Returns:
        Spans int64 ``[n, D + 1]``, object after object: the row (D - 1 coordinates in tensor order), the first sample
        along the last axis and the one after the last. In C order, none empty; two of a row may touch. And the number
        of spans of each object, int64 ``[N]``.
    """
    low, high = (corner.flip(-1) for corner in boxes.detach().to(masks.device).double().chunk(2, -1))  # [N, D]
    first = low.floor().clamp(min=0).long()
    last = high.ceil().long().minimum(first.new_tensor(tuple(spatial_shape))).maximum(first)
    bin_length = (high - low).clamp(min=1e-6) / low.new_tensor(masks.shape[1:])
    owner, row = _rows(first[:, :-1], last[:, :-1])
    position = (row + 0.5 - low[owner, :-1]) / bin_length[owner, :-1] - 0.5
    framed = F.pad(masks, (1, 1) * (masks.ndim - 1))
    crossed, at = _crossings(_read_rows(framed, owner, position), threshold)
    of, along = owner[crossed], (at + 0.5) * bin_length[owner[crossed], -1] + low[owner[crossed], -1] - 0.5
    start, stop = along[::2].ceil().long(), along[1::2].floor().long() + 1  # up and down by turns, a pair in one row
    of, crossed = of[::2], crossed[::2]
    start, stop = (end.maximum(first[of, -1]).minimum(last[of, -1]) for end in (start, stop))
    spans = torch.cat([row[crossed], start[:, None], stop[:, None]], 1)[start < stop]
    return spans, torch.bincount(of[start < stop], minlength=len(masks))


def _rows(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Every whole point of the boxes first..last ``[N, A]``: whose it is ``[R]``, and its coordinates ``[R, A]``."""
    extents = last - first
    count = extents.prod(1)
    owner = torch.repeat_interleave(count)
    index = torch.arange(len(owner), device=owner.device) - (count.cumsum(0) - count)[owner]
    row = first[owner]
    for axis in reversed(range(first.shape[1])):
        extent = extents[owner, axis]
        row[:, axis] += index % extent
        index = index // extent
    return owner, row


def _read_rows(framed: Tensor, owner: Tensor, position: Tensor) -> Tensor:
    """Values ``[R, bins + 2]`` of masks ``[N, *(M + 2)]`` (framed by zeros) along the last axis, where ``position``
    ``[R, D - 1]`` says in bins, between which they are interpolated."""
    bins = position.new_tensor(framed.shape[1:-1]) - 2
    position = (position + 1).clamp(min=0).minimum(bins + 1)  # of the frame
    below = position.floor().minimum(bins)
    part = (position - below).to(framed.dtype)
    values = framed.new_zeros(())
    for corner in itertools.product((0, 1), repeat=position.shape[1]):
        weight = framed.new_ones(len(owner), 1)
        for axis, up in enumerate(corner):
            weight = weight * (part[:, axis, None] if up else 1 - part[:, axis, None])
        at = below.long() + position.new_tensor(corner).long()
        values = values + framed[(owner, *at.unbind(1))] * weight
    return values


def _crossings(values: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Where rows ``[R, bins + 2]``, framed by zeros, cross the threshold, upwards and downwards by turns.

    Returns:
        The row of each crossing, int64, and its place in bins (bin k, without the frame, lies at k), float64.
    """
    inside = values >= threshold
    row, before = (inside[:, 1:] ^ inside[:, :-1]).nonzero(as_tuple=True)
    low, high = values[row, before].double(), values[row, before + 1].double()
    return row, before - 1 + (threshold - low) / (high - low)


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
    """Measure what part of each bin of a box an object covers: the mask target.

    The same numbers as RoIAlign with adaptive sampling, as one small matrix product an axis.

    Args:
        mask: ``[*n]``, 0 or 1: the object's window, framed by at least one 0 wherever the image
            goes on, so that nothing bleeds past it.
        box: ``[2D]``, x first, relative to the window's first sample. It may be flipped (high
            corner below low): the bins then come out in flipped order.
        output_size: bins along each axis, tensor order.
        aligned: as in :func:`maskrcnn.ops.roi_align.pool_bins`.

    Returns:
        ``[*output_size]``, 0..1.
    """
    low, high = (corner.flip(-1).tolist() for corner in box.detach().chunk(2))
    for axis, (a, b, bins) in enumerate(zip(low, high, output_size)):
        weights = bin_weights(a, b, mask.shape[axis], bins, aligned).to(mask.dtype)
        mask = torch.tensordot(mask, weights, dims=([axis], [1])).movedim(-1, axis)
    return mask


def bin_weights(low: float, high: float, size: int, bins: int, aligned: bool) -> Tensor:
    """How much each sample along an axis counts in each bin, sampled adaptively.

    Args:
        low: where the first bin begins, in samples.
        high: where the last bin ends.
        size: samples along the axis.
        bins: along the axis.
        aligned: as in :func:`maskrcnn.ops.roi_align.pool_bins`.

    Returns:
        ``[bins, size]``.
    """
    start, length = start_and_length(torch.tensor([low]), torch.tensor([high]), aligned)
    bin_length = length / bins
    count = math.ceil(abs(bin_length.item()))
    weights = torch.zeros(bins, size)
    if count:
        rows, parts = axis_rows(torch.tensor([size]), start, bin_length, bins, count)
        weights.scatter_add_(1, rows[0], parts[0])
    return weights
