"""What objects cover: a window of run lengths each, from masks over boxes. Twins of ``maskrcnn.masks`` and
``maskrcnn.regions``, for images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn_runtime.boxes import Array, corners

AT_BORDER = 0.5  # samples between the side of a box and that of the image, up to which they are one
ROWS = 1 << 20  # samples of a window that are computed together
FIRST_CHARACTER, DIGIT = 48, 32  # of COCO's compressed run lengths


@dataclass(frozen=True)
class Mask:
    """What one object covers of an image.

    Attributes:
        offset: of its tight window, (y, x).
        shape: of the window; (0, 0) for a mask of nothing.
        edges: int64, where samples of the window change, row after row, from not covered at first.
    """

    offset: tuple[int, int]
    shape: tuple[int, int]
    edges: Array

    @staticmethod
    def of(offset: Sequence[int], window: Array) -> Mask:
        """From a boolean window at ``offset``, which is cut to what is covered."""
        rows, columns = np.flatnonzero(window.any(1)), np.flatnonzero(window.any(0))
        if not len(rows):
            return Mask((0, 0), (0, 0), np.zeros(0, np.int64))
        tight = window[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Mask((int(offset[0] + rows[0]), int(offset[1] + columns[0])), tight.shape, edges_of(tight.ravel()))

    def window(self) -> Array:
        """The boolean window."""
        size = self.shape[0] * self.shape[1]
        lengths = np.diff(self.edges, prepend=0, append=size)
        return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(self.shape)

    def slices(self) -> tuple[slice, slice]:
        """Where the window lies in the image."""
        (y, x), (height, width) = self.offset, self.shape
        return slice(y, y + height), slice(x, x + width)

    def area(self) -> int:
        """Samples that are covered."""
        size = self.shape[0] * self.shape[1]
        return int(np.diff(self.edges, append=size)[::2].sum()) if len(self.edges) else 0

    def moved(self, offset: Sequence[int]) -> Mask:
        """The same further down and right by ``offset`` (y, x)."""
        return Mask((self.offset[0] + offset[0], self.offset[1] + offset[1]), self.shape, self.edges)

    def box(self) -> Array:
        """Float32 ``[4]``: the tight box."""
        (y, x), (height, width) = self.offset, self.shape
        return np.array([x, y, x + width, y + height], dtype=np.float32)

    def rle(self, spatial_shape: Sequence[int]) -> dict[str, object]:
        """COCO's compressed run lengths, which run down the columns of the image."""
        height, width = spatial_shape
        (y, x), (rows, columns) = self.offset, self.shape
        edges = edges_of(self.window().T.ravel())
        if rows == height:
            edges = edges + x * height
        else:  # column by column of the image: one that is covered to its window's end ends there
            pairs = _split_at_columns(edges, rows, columns)
            column, row = pairs // rows, pairs % rows
            stops = np.arange(len(pairs)) % 2 == 1
            column, row = np.where(stops & (row == 0), column - 1, column), np.where(stops & (row == 0), rows, row)
            edges = (column + x) * height + row + y
        counts = np.diff(edges, prepend=0, append=height * width)
        counts = counts[:-1] if len(counts) > 1 and counts[-1] == 0 else counts
        return {"size": [int(height), int(width)], "counts": _to_text(counts.tolist())}


def edges_of(flat: Array) -> Array:
    """Int64: where a flat boolean array changes; it begins as False, and an even number of edges ends it so."""
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        edges = np.concatenate([[0], edges])
    return np.concatenate([edges, [flat.size]]) if len(edges) % 2 else edges


def _split_at_columns(edges: Array, rows: int, columns: int) -> Array:
    """Edges of stretches ``start, stop, ...`` down the columns of a window, of which none goes on in the next."""
    start, stop = edges[::2], edges[1::2]
    first, last = start // rows, (stop - 1) // rows
    count = last - first + 1
    column = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    low = np.maximum(np.repeat(start, count), column * rows)
    high = np.minimum(np.repeat(stop, count), (column + 1) * rows)
    return np.stack([low, high], 1).ravel()


def _to_text(counts: Sequence[int]) -> str:
    """As COCO writes run lengths: from the third on the difference to the one before last, five bits a character."""
    characters = []
    for k, count in enumerate(counts):
        value = count - counts[k - 2] if k > 2 else count
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            characters.append(chr((bits | DIGIT if more else bits) + FIRST_CHARACTER))
    return "".join(characters)


def paste(mask: Array, box: Array, spatial_shape: Sequence[int], threshold: float) -> Mask:
    """One mask ``[*M]`` of probabilities over its box ``[2D]`` as samples of an image."""
    low, high = (corner[::-1].tolist() for corner in corners(box.astype(np.float64)))
    spans = [(max(math.floor(a), 0), min(math.ceil(b), size)) for a, b, size in zip(low, high, spatial_shape)]
    if any(stop <= start for start, stop in spans):
        return Mask.of((0, 0), np.zeros((0, 0), dtype=bool))
    by_axis = [_hat(*span, a, b, bins) for span, a, b, bins in zip(spans, low, high, mask.shape)]
    (top, _), (left, _) = spans
    rows, columns = (len(weights) for weights in by_axis)
    window, across = np.empty((rows, columns), dtype=bool), mask.astype(np.float32) @ by_axis[1].T
    step = max(1, ROWS // columns)
    for k in range(0, rows, step):
        window[k : k + step] = by_axis[0][k : k + step] @ across >= threshold
    return Mask.of((top, left), window)


def _hat(start: int, stop: int, low: float, high: float, bins: int) -> Array:
    """Weights ``[n, bins]`` with which the samples start..stop read a mask's row that spans low..high."""
    position = (np.arange(start, stop) + 0.5 - low) / (max(high - low, 1e-6) / bins) - 0.5
    return np.maximum(1 - np.abs(position[:, None] - np.arange(bins)), 0).astype(np.float32)


def paste_to_border(masks: Array, boxes: Array, spatial_shape: Sequence[int], threshold: float) -> list[Mask]:
    """As :func:`paste`, but at the border of the image the outermost bins go on instead of fading."""
    size = np.array(tuple(reversed(tuple(spatial_shape))), dtype=boxes.dtype)
    pasted = []
    for mask, box in zip(masks, boxes):
        low, high = corners(box)
        begins, ends = low <= AT_BORDER, high >= size - AT_BORDER
        if begins.any() or ends.any():
            mask, box = _grown(mask, box, begins[::-1], ends[::-1])
        pasted.append(paste(mask, box, spatial_shape, threshold))
    return pasted


def _grown(mask: Array, box: Array, begins: Array, ends: Array) -> tuple[Array, Array]:
    """A mask and its box with one more bin on every side: where the image ends there, as the one before it; else 0."""
    low, high = corners(box)
    step = (high - low) / np.array(mask.shape[::-1], dtype=box.dtype)
    for axis in range(mask.ndim):
        first, last = np.take(mask, [0], axis) * begins[axis], np.take(mask, [-1], axis) * ends[axis]
        mask = np.concatenate([first, mask, last], axis)
    return mask, np.concatenate([low - step, high + step])


def largest_part(mask: Mask) -> Mask:
    """The largest of a mask's connected parts, the first of equal ones; samples that touch at a corner are
    connected."""
    if not len(mask.edges):
        return mask
    window = mask.window()
    start, stop = _runs(window)
    part = _parts(start, stop, window.shape[1])
    areas = np.bincount(part, weights=stop - start)
    if np.count_nonzero(areas) <= 1:
        return mask
    kept = part == areas.argmax()
    edges = np.stack([start[kept], stop[kept]], 1).ravel()
    lengths = np.diff(edges, prepend=0, append=window.size)
    return Mask.of(mask.offset, np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(window.shape))


def _runs(window: Array) -> tuple[Array, Array]:
    """Starts and stops of the covered stretches of each row, in C order."""
    framed = np.zeros((window.shape[0], window.shape[1] + 2), dtype=np.int8)
    framed[:, 1:-1] = window
    change = np.diff(framed, axis=1)
    row, column = np.nonzero(change == 1)
    end_row, end = np.nonzero(change == -1)
    return row * window.shape[1] + column, end_row * window.shape[1] + end


def _parts(start: Array, stop: Array, width: int) -> Array:
    """For each run the first run of its connected part: runs of neighbouring rows that touch, a corner included."""
    row = start // width
    low, high = np.maximum(start - 1, row * width), np.minimum(stop + 1, (row + 1) * width)
    met = np.searchsorted(stop, low + width, side="right")
    count = np.maximum(np.searchsorted(start, high + width, side="left") - met, 0)
    first = np.repeat(np.arange(len(start)), count)
    second = np.arange(len(first)) + np.repeat(met - (np.cumsum(count) - count), count)
    part = np.arange(len(start))
    while len(first):
        a, b = np.minimum(part[first], part[second]), np.maximum(part[first], part[second])
        apart = a < b
        first, second = first[apart], second[apart]
        np.minimum.at(part, b[apart], a[apart])
        while ((parent := part[part]) != part).any():
            part = parent
    return part
