"""Samples read at other places: images resized, objects cut out, masks moved from region to region. Twins of functions
of the same names in ``maskrcnn.ops`` and ``maskrcnn.data.transforms``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskrcnn_runtime.boxes import Array, corners

SAMPLES = 2  # a bin and axis of what is cut out
OUTER_PERCENT, MOST_GAIN, MOST_SAMPLES = 0.1, 32.0, 1 << 20  # of stretched contrast


def resize_shape(shape: Sequence[int], min_size: float, max_size: float, round_down: bool) -> tuple[int, ...]:
    """The shape that an image is resized to: its shortest side, or its longest where that would be too long."""
    if round_down:  # in float32, as torchvision does
        scale = min(np.float32(min_size) / np.float32(min(shape)), np.float32(max_size) / np.float32(max(shape)))
        return tuple(max(1, int(np.float32(side) * scale)) for side in shape)
    shortest = min(shape)
    sides = [min_size if side == shortest else min_size / shortest * side for side in shape]
    longest = max(sides)
    if longest > max_size:
        sides = [side * (max_size / longest) for side in sides]
    return tuple(max(1, int(side + 0.5)) for side in sides)


def stretch_contrast(image: Array) -> Array:
    """``[H, W, C]`` of 0..255 as float32, its outer percentiles moved to 0 and 255."""
    values = image.transpose(2, 0, 1).reshape(-1)[:: max(1, image.size // MOST_SAMPLES)]
    low, high = np.percentile(values, (OUTER_PERCENT, 100 - OUTER_PERCENT))
    gain = min(255 / max(float(high - low), 1e-6), MOST_GAIN)
    stretched = image.astype(np.float32)
    stretched -= np.float32(low)
    stretched *= np.float32(gain)
    return np.clip(stretched, 0, 255, out=stretched)


def resize_image(image: Array, shape: Sequence[int], antialias: bool) -> Array:
    """``[H, W, C]``, uint8 or float32, resampled linearly to ``shape``; uint8 with antialiasing is rounded."""
    if image.shape[:2] == tuple(shape):
        return image
    if image.dtype == np.uint8 and antialias:
        return np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
    return np.moveaxis(interpolate(np.moveaxis(image, -1, 0), shape, antialias), 0, -1)


def interpolate(x: Array, shape: Sequence[int], antialias: bool = False) -> Array:
    """``[C, *S]`` as float32 resampled linearly along every axis, corners not aligned; antialiased in images alone."""
    x = x.astype(np.float32)
    if antialias:
        height, width = shape
        kind = Image.Resampling.BILINEAR
        return np.stack([np.asarray(Image.fromarray(channel).resize((width, height), kind)) for channel in x])
    for axis, size in enumerate(shape, start=1):
        moved = np.moveaxis(x, axis, -1)
        x = np.moveaxis(moved @ _linear_matrix(moved.shape[-1], size).T, -1, axis)
    return x


def _linear_matrix(old: int, new: int) -> Array:
    """``[new, old]``: linear resampling along one axis, the border repeated."""
    at = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)[:, None]
    return np.maximum(1 - np.abs(at - np.arange(old)), 0).astype(np.float32)


def normalise(image: Array, mean: Sequence[float], deviation: Sequence[float]) -> Array:
    """``[H, W, C]`` to float32 ``[C, H, W]``, each channel with its mean taken off and divided by its deviation."""
    values = image.astype(np.float32).transpose(2, 0, 1)
    by_channel = (-1, 1, 1)
    return (values - np.float32(mean).reshape(by_channel)) / np.float32(deviation).reshape(by_channel)


def axis_rows(size: int, low: Array, bin_length: Array, bins: int, count: int) -> tuple[Array, Array]:
    """Which samples each bin reads along one axis, and with what weight: both ``[R, bins, 2 * count]``."""
    steps = (np.arange(bins * count, dtype=low.dtype) + low.dtype.type(0.5)) / low.dtype.type(count)
    position = low[:, None] + steps * bin_length[:, None]
    inside = (position >= -1) & (position <= size)
    position = np.minimum(np.maximum(position, 0), size - 1).astype(low.dtype)
    lower = position.astype(np.int64)
    fraction = position - lower
    rows = np.stack([lower, np.minimum(lower + 1, size - 1)], -1)
    weights = np.stack([1 - fraction, fraction], -1) * (inside / low.dtype.type(count))[..., None]
    return rows.reshape(len(low), bins, 2 * count), weights.reshape(len(low), bins, 2 * count)


def cut_out(image: Array, boxes: Array, bins: Sequence[int]) -> Array:
    """``[R, C, *bins]``: boxes ``[R, 2D]`` of an image ``[C, *S]`` as images of one size (RoIAlign, aligned)."""
    cuts = np.zeros((len(boxes), len(image), *bins), dtype=np.float32)
    low, high = (corner[:, ::-1] for corner in corners(boxes.astype(np.float32)))  # tensor order
    by_axis = []
    for axis, (size, count) in enumerate(zip(image.shape[1:], bins)):
        length = (high[:, axis] - low[:, axis]) / np.float32(count)
        by_axis.append(axis_rows(size, low[:, axis] - np.float32(0.5), length, count, SAMPLES))
    for k in range(len(boxes)):
        cut = image
        for axis, (rows, weights) in enumerate(by_axis, start=1):
            first, last = int(rows[k].min()), int(rows[k].max()) + 1
            matrix = np.zeros((bins[axis - 1], last - first), dtype=np.float32)
            np.add.at(matrix, (np.arange(len(matrix))[:, None], rows[k] - first), weights[k])
            part = cut[(slice(None),) * axis + (slice(first, last),)]
            cut = np.moveaxis(np.moveaxis(part, axis, -1) @ matrix.T, -1, axis)
        cuts[k] = cut
    return cuts


def cut_out_finely(
    samples: Array, boxes: Array, bins: Sequence[int], mean: Sequence[float], deviation: Sequence[float]
) -> Array:
    """As :func:`cut_out`, from samples ``[C, *S]`` of any size and type: what a bin covers more than twice is averaged
    first, and nothing but what lies round each box is read."""
    cuts = np.zeros((len(boxes), len(samples), *bins), dtype=np.float32)
    by_channel = (-1, *(1,) * len(bins))
    for k, box in enumerate(boxes.astype(np.float64)):
        low, high = (corner[::-1].tolist() for corner in corners(box))  # tensor order
        part, first, last = samples, [], []
        for axis, (a, b, size, count) in enumerate(zip(low, high, samples.shape[1:], bins)):
            factor = max(int((b - a) / count / SAMPLES), 1)
            start, stop = max(math.floor(a) - 2 * factor, 0), min(math.ceil(b) + 2 * factor, size)
            if stop <= start:
                break
            factor = min(factor, stop - start)
            whole = (stop - start) // factor
            part = part[(slice(None),) * (axis + 1) + (slice(start, start + whole * factor),)]
            if factor > 1:
                shape = (*part.shape[: axis + 1], whole, factor, *part.shape[axis + 2 :])
                part = part.reshape(shape).mean(axis + 2, dtype=np.float32)
            first.append((a - start) / factor)
            last.append((b - start) / factor)
        else:
            inside = np.array([[*reversed(first), *reversed(last)]], dtype=np.float32)
            values = part.astype(np.float32) - np.float32(mean).reshape(by_channel)
            cuts[k] = cut_out(values / np.float32(deviation).reshape(by_channel), inside, bins)[0]
    return cuts


def read_masks(masks: Array, boxes: Array, regions: Array, bins: Sequence[int]) -> Array:
    """Masks ``[R, *M]`` over their boxes, read linearly at the centres of the bins of regions: ``[R, *bins]``."""
    low, high = (corner[:, ::-1] for corner in corners(boxes))
    start, stop = (corner[:, ::-1] for corner in corners(regions))
    for axis, count in enumerate(bins):
        own = masks.shape[1 + axis]
        step = (np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(count)
        centres = start[:, axis, None] + (stop - start)[:, axis, None] * step
        position = (centres - low[:, axis, None]) / np.maximum((high - low)[:, axis, None], 1e-6) * own - 0.5
        weights = np.maximum(1 - np.abs(position[..., None] - np.arange(own, dtype=np.float32)), 0)
        moved = np.moveaxis(masks, 1 + axis, 1)
        read = weights.astype(np.float32) @ moved.reshape(len(moved), own, -1)
        masks = np.moveaxis(read.reshape(len(moved), count, *moved.shape[2:]), 1, 1 + axis)
    return masks


def extend_to_border(masks: Array, regions: Array, spatial_shape: Sequence[int]) -> Array:
    """Masks over regions that reach beyond an image: the outermost bins inside of it go on."""
    low, high = (corner[:, ::-1] for corner in corners(regions))
    for axis, size in enumerate(spatial_shape):
        bins = masks.shape[axis + 1]
        step = np.maximum((high - low)[:, axis], 1e-6) / bins
        first = np.clip(np.ceil(-low[:, axis] / step - 0.5), 0, bins - 1).astype(np.int64)
        last = np.clip(np.floor((size - low[:, axis]) / step - 0.5), 0, bins - 1).astype(np.int64)
        index = np.minimum(np.maximum(np.arange(bins), first[:, None]), np.maximum(last, first)[:, None])
        shape = [len(masks), *(1,) * (masks.ndim - 1)]
        shape[axis + 1] = bins
        masks = np.take_along_axis(masks, np.broadcast_to(index.reshape(shape), masks.shape), axis + 1)
    return masks
