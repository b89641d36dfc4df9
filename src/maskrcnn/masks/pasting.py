"""Masks over boxes as regions of the image: up to its border, and in one piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maskrcnn.masks.components import connected_parts
from maskrcnn.regions import Regions, paste_regions

AT_BORDER = 0.5  # samples between the side of a box and that of the image, up to which they are one


def paste_to_border(masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int], threshold: float = 0.5) -> Regions:
    """As :func:`paste_regions`, but masks do not fade at the border of the image.

    A mask is 0 beyond its own bins, so towards the sides of its box it fades. At the border of the image that would
    leave a strip of what lies there uncovered; there the outermost bins go on instead.

    Args:
        masks: ``[N, *M]``, probabilities.
        boxes: ``[N, 2D]``, x first, on the image.
        spatial_shape: of the image, tensor order.
        threshold: from which on a sample belongs to the object, above 0.

    Returns:
        The regions, in the order of the masks.
    """
    size = boxes.new_tensor(tuple(reversed(spatial_shape)))
    low, high = boxes.chunk(2, -1)
    cut = ((low <= AT_BORDER) | (high >= size - AT_BORDER)).any(1)
    if not cut.any():
        return paste_regions(masks, boxes, spatial_shape, threshold)
    grown, further = _grown(masks[cut], boxes[cut], spatial_shape)
    parts = [paste_regions(masks[~cut], boxes[~cut], spatial_shape, threshold)] if not cut.all() else []
    parts.append(paste_regions(grown, further, spatial_shape, threshold))
    order = torch.cat([(~cut).nonzero()[:, 0], cut.nonzero()[:, 0]]).argsort()
    return Regions.join(parts)[order]


def _grown(masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Masks and boxes with one more bin on every side: where the image ends there, as the one before it; else 0."""
    low, high = (corner.flip(-1) for corner in boxes.chunk(2, -1))  # tensor order
    step = (high - low) / low.new_tensor(masks.shape[1:])
    for axis, size in enumerate(spatial_shape):
        ends = (low[:, axis] <= AT_BORDER, high[:, axis] >= size - AT_BORDER)
        shape = (len(masks), *(1,) * (masks.ndim - 1))
        first = masks.narrow(axis + 1, 0, 1) * ends[0].to(masks.dtype).reshape(shape)
        last = masks.narrow(axis + 1, masks.shape[axis + 1] - 1, 1) * ends[1].to(masks.dtype).reshape(shape)
        masks = torch.cat([first, masks, last], axis + 1)
    return masks, torch.cat([(low - step).flip(-1), (high + step).flip(-1)], -1)


def largest_parts(regions: Regions) -> Regions:
    """Of each object the largest of its connected parts, the first of equal ones; samples that touch at a corner are
    connected.

    Returns:
        Regions whose windows are tight again.
    """
    windows = []
    for i in range(len(regions)):
        window, offset = regions.window(i), regions.offsets[i]
        parts = connected_parts(window, corners=True)
        if parts.size and parts.max() > 1:
            window = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
        windows.append((offset, window))
    cut = Regions.from_windows(regions.spatial_shape, windows)
    cut.axis_map = regions.axis_map
    return cut
