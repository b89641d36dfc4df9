"""Resizing, cropping, padding and flipping in any number of dimensions.

Each of them moves samples on one hand and coordinates on the other: a function here changes an image ``[C, *S]``, its
:class:`AxisMap` moves boxes, keypoints and (without resampling them) masks. Shapes and offsets are in tensor order
(..., z, y, x), maps and axis numbers x first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.ops import nd
from maskrcnn.regions import AxisMap


def resize_shape(
    spatial_shape: Sequence[int], min_size: float, max_size: float, round_down: bool = False
) -> tuple[int, ...]:
    """Compute the shape that an image is resized to: its shortest side, or its longest where that
    would be too long.

    The proportions stay; sides become whole samples, at least 1.

    Args:
        spatial_shape: of the image, tensor order.
        min_size: of the shortest side.
        max_size: of the longest side.
        round_down: to the whole sample below, in float32, as torchvision does; else to the nearest,
            as detectron2 does.

    Returns:
        The shape, tensor order.
    """
    if not round_down:
        return _nearest_shape(spatial_shape, min_size, max_size)
    shortest, longest = np.float32(min(spatial_shape)), np.float32(max(spatial_shape))
    scale = min(np.float32(min_size) / shortest, np.float32(max_size) / longest)
    return tuple(max(1, int(np.float32(side) * scale)) for side in spatial_shape)


def _nearest_shape(spatial_shape: Sequence[int], min_size: float, max_size: float) -> tuple[int, ...]:
    """In detectron2's order of steps, on which it depends how exact halves are rounded."""
    shortest = min(spatial_shape)
    sides = [min_size if side == shortest else min_size / shortest * side for side in spatial_shape]
    longest = max(sides)
    if longest > max_size:
        sides = [side * (max_size / longest) for side in sides]
    return tuple(max(1, int(side + 0.5)) for side in sides)


def resize_map(source_shape: Sequence[int], target_shape: Sequence[int]) -> AxisMap:
    """From an image to its resized copy: exactly new side / old side along each axis."""
    scale = [new / old for new, old in zip(target_shape, source_shape)]
    return AxisMap(tuple(reversed(scale)), (0.0,) * len(scale))


def crop_map(offset: Sequence[int]) -> AxisMap:
    """From an image to the crop that begins at ``offset``."""
    return AxisMap((1.0,) * len(offset), tuple(-float(start) for start in reversed(offset)))


def flip_map(spatial_shape: Sequence[int], axes: Sequence[int]) -> AxisMap:
    """From an image to its mirror image along ``axes`` (0 is x)."""
    sides = tuple(reversed(spatial_shape))
    scale = tuple(-1.0 if axis in axes else 1.0 for axis in range(len(sides)))
    return AxisMap(scale, tuple(float(side) if axis in axes else 0.0 for axis, side in enumerate(sides)))


def resize_image(image: Tensor, spatial_shape: Sequence[int], antialias: bool = False) -> Tensor:
    """Resample an image linearly.

    Args:
        image: ``[C, *S]``, uint8 or floating point.
        spatial_shape: to resize to.
        antialias: average over the samples that fall together where an image (D = 2) shrinks.

    Returns:
        ``[C, *spatial_shape]``, of the same type; uint8 is rounded.
    """
    if tuple(image.shape[1:]) == tuple(spatial_shape):
        return image
    return nd.interpolate(image[None], spatial_shape, antialias)[0]


def crop_image(image: Tensor, offset: Sequence[int], spatial_shape: Sequence[int]) -> Tensor:
    """Crop an image without copying it.

    Args:
        image: ``[C, *S]``.
        offset: where the crop begins, tensor order.
        spatial_shape: of the crop, tensor order.

    Returns:
        The view ``[C, *spatial_shape]``.
    """
    return image[(slice(None), *(slice(start, start + side) for start, side in zip(offset, spatial_shape)))]


def flip_image(image: Tensor, axes: Sequence[int]) -> Tensor:
    """``[C, *S]`` mirrored along ``axes`` (0 is x, the last of the tensor's)."""
    return image.flip([image.ndim - 1 - axis for axis in axes]) if axes else image


def pad_image(image: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """``[C, *S]`` with zeros at the high ends up to ``spatial_shape``; sides that are as long or longer stay."""
    missing = [max(0, side - old) for side, old in zip(spatial_shape, image.shape[1:])]
    return F.pad(image, [n for side in reversed(missing) for n in (0, side)]) if any(missing) else image
