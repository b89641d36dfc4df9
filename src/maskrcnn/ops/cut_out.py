"""Boxes cut out of images as images of one size: RoIAlign for many bins of few channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.roi_align import axis_rows

SAMPLES = 2  # a bin and axis


def cube_around(boxes: Tensor, margin: float) -> Tensor:
    """``[R, 2D]``: cubes with the centres of the boxes ``[R, 2D]``, ``margin`` of their longest sides long."""
    low, high = boxes.chunk(2, -1)
    centre, half = (low + high) / 2, (high - low).amax(-1, keepdim=True) * (margin / 2)
    return torch.cat([centre - half, centre + half], -1)


def cut_out(images: Tensor, boxes: Sequence[Tensor], bins: Sequence[int]) -> Tensor:
    """:func:`maskrcnn.ops.roi_align.roi_align` (aligned, 2 samples a bin and axis) at stride 1, as a product with one
    matrix an axis: an object has thousands of bins here, and nothing but the image's few channels to read.

    Args:
        images: ``[B, C, *S]``.
        boxes: of each image ``[R_b, 2D]``, x first; what lies outside the image is 0.
        bins: along each axis, tensor order.

    Returns:
        ``[R, C, *bins]``, image by image.
    """
    cuts = [images.new_zeros((0, images.shape[1], *bins))]
    for image, own in zip(images, boxes):
        own = own.detach().to(images.device)
        if len(own) == 0:
            continue
        low, high = (corner.flip(-1) for corner in own.chunk(2, -1))  # tensor order
        matrices = []
        for axis, (size, count) in enumerate(zip(images.shape[2:], bins)):
            sizes = torch.full((len(own),), size, device=images.device)
            length = (high[:, axis] - low[:, axis]) / count
            rows, weights = axis_rows(sizes, low[:, axis] - 0.5, length, count, SAMPLES)
            matrices.append(weights.new_zeros((len(own), count, size)).scatter_add_(2, rows, weights))
        for by_axis in zip(*matrices):
            spans = [_span(matrix) for matrix in by_axis]
            cut = image[(slice(None), *spans)]
            for matrix, span in zip(by_axis, spans):  # each takes the first axis there is, and puts its own last
                cut = torch.tensordot(cut, matrix[:, span].to(cut.dtype), dims=([1], [1]))
            cuts.append(cut[None])
    return torch.cat(cuts)


def _span(matrix: Tensor) -> slice:
    """The columns that are not 0 throughout, and all between them."""
    used = matrix.any(0).nonzero()[:, 0]
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)


def cuboid_around(boxes: Tensor, margin: float, narrowest: float) -> Tensor:
    """Regions with the centres of boxes.

    Args:
        boxes: ``[R, 2D]``, x first.
        margin: what each side of a box is multiplied by.
        narrowest: the shortest that a side may be, as a part of the region's longest.

    Returns:
        ``[R, 2D]``.
    """
    low, high = boxes.chunk(2, -1)
    sides = (high - low) * margin
    half = sides.maximum(sides.amax(-1, keepdim=True) * narrowest) / 2
    centre = (low + high) / 2
    return torch.cat([centre - half, centre + half], -1)


def read_masks(masks: Tensor, boxes: Tensor, regions: Tensor, bins: Sequence[int]) -> Tensor:
    """Masks over their boxes, read linearly at the centres of the bins of other regions; beyond their boxes 0.

    Args:
        masks: ``[R, *M]``.
        boxes: ``[R, 2D]``, x first.
        regions: ``[R, 2D]``, x first.
        bins: along each axis, tensor order.

    Returns:
        ``[R, *bins]``.
    """
    low, high = (corner.flip(-1) for corner in boxes.chunk(2, -1))  # tensor order
    start, stop = (corner.flip(-1) for corner in regions.chunk(2, -1))
    for axis, count in enumerate(bins):
        own = masks.shape[1 + axis]
        step = (torch.arange(count, device=masks.device) + 0.5) / count
        centres = start[:, axis, None] + (stop - start)[:, axis, None] * step
        position = (centres - low[:, axis, None]) / (high - low)[:, axis, None].clamp(min=1e-6) * own - 0.5
        places = torch.arange(own, device=masks.device)
        weights = (1 - (position[..., None] - places).abs()).clamp(min=0).to(masks.dtype)  # [R, count, own]
        moved = masks.movedim(1 + axis, 1)
        others = moved.shape[2:]
        read = torch.bmm(weights, moved.reshape(len(moved), own, math.prod(others)))
        masks = read.reshape(len(moved), count, *others).movedim(1, 1 + axis)
    return masks


def cut_out_finely(
    samples: Tensor, boxes: Tensor, bins: Sequence[int], mean: Sequence[float], deviation: Sequence[float]
) -> Tensor:
    """As :func:`cut_out`, from one image of any size, such as a photo as it is in its file: what a bin covers more than
    twice is averaged first, and nothing but what lies round each box is read.

    Args:
        samples: ``[C, *S]`` of any type.
        boxes: ``[R, 2D]``, x first; what lies outside the image is 0.
        bins: along each axis, tensor order.
        mean: of each channel, subtracted.
        deviation: of each channel, divided by then.

    Returns:
        float32 ``[R, C, *bins]``.
    """
    cuts = [samples.new_zeros((0, len(samples), *bins), dtype=torch.float32)]
    for box in boxes.detach().cpu().double():
        low, high = (corner.flip(0).tolist() for corner in box.chunk(2))  # tensor order
        part, first, last, empty = samples, [], [], False
        for axis, (a, b, size, count) in enumerate(zip(low, high, samples.shape[1:], bins)):
            factor = max(int((b - a) / count / SAMPLES), 1)
            start = max(math.floor(a) - 2 * factor, 0)
            stop = min(math.ceil(b) + 2 * factor, int(size))
            empty |= stop <= start
            if empty:
                break
            factor = min(factor, stop - start)
            whole = (stop - start) // factor
            part = part.narrow(axis + 1, start, whole * factor)
            if factor > 1:
                part = part.unflatten(axis + 1, (whole, factor)).float().mean(axis + 2)
            first.append((a - start) / factor)
            last.append((b - start) / factor)
        if empty:
            cuts.append(cuts[0].new_zeros((1, len(samples), *bins)))
        else:
            inside = torch.tensor([[*reversed(first), *reversed(last)]], dtype=torch.float32)
            by_channel = (-1, *(1,) * len(bins))
            part = part.float() - torch.tensor(mean).reshape(by_channel)
            cuts.append(cut_out(part[None] / torch.tensor(deviation).reshape(by_channel), [inside], bins))
    return torch.cat(cuts)
