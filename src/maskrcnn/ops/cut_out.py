"""Boxes cut out of images as images of one size: RoIAlign for many bins of few channels."""

from __future__ import annotations

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
