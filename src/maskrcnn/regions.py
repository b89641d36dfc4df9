"""Regions: which samples, pixels or voxels each object covers, kept as one small window of run lengths per object.

A full-size mask exists for one object at a time and only when it is asked for, so a photo with five hundred objects
costs five hundred windows, not five hundred photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.ops.boxes import clip_boxes
from maskrcnn.ops.masks import mask_spans

ROWS_AT_ONCE = 16_384  # of the windows of masks that are pasted together: a few megabytes


@dataclass(frozen=True)
class AxisMap:
    """A scale and a shift for each axis, x first: ``target = scale * source + shift``, in continuous coordinates.

    Resizing, cropping, padding and flipping (a negative scale) are all of this form, in any number of dimensions,
    and so is any chain of them.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]

    @staticmethod
    def identity(ndim: int) -> AxisMap:
        return AxisMap((1.0,) * ndim, (0.0,) * ndim)

    def then(self, later: AxisMap) -> AxisMap:
        """This map followed by ``later``."""
        scale = tuple(b * a for a, b in zip(self.scale, later.scale))
        shift = tuple(b * s + t for s, b, t in zip(self.shift, later.scale, later.shift))
        return AxisMap(scale, shift)

    def inverse(self) -> AxisMap:
        scale = tuple(1.0 / a for a in self.scale)
        return AxisMap(scale, tuple(-s * a for s, a in zip(self.shift, scale)))

    def points(self, points: Tensor) -> Tensor:
        """Map points ``[..., D]``, x first."""
        return points * points.new_tensor(self.scale) + points.new_tensor(self.shift)

    def corners(self, boxes: Tensor) -> Tensor:
        """Map both corners of boxes ``[..., 2D]`` and leave them where they land: a flip makes low exceed high."""
        return torch.cat([self.points(corner) for corner in boxes.chunk(2, -1)], -1)

    def boxes(self, boxes: Tensor) -> Tensor:
        """Map boxes ``[..., 2D]``; the result has its low corner first again."""
        low, high = self.corners(boxes).chunk(2, -1)
        return torch.cat([torch.minimum(low, high), torch.maximum(low, high)], -1)


def encode_runs(mask: np.ndarray) -> np.ndarray:
    """Run lengths ``uint32 [n]`` of a boolean array in C order; the first run counts zeros and may be 0."""
    flat = np.ascontiguousarray(mask, dtype=bool).ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        edges = np.concatenate([[0], edges])
    return runs_of_edges(edges, flat.size)


def runs_of_edges(edges: np.ndarray, size: int) -> np.ndarray:
    """Run lengths of ``size`` samples that change, from 0 at first, at each of the rising positions ``edges``."""
    if len(edges) and edges[-1] == size:  # nothing comes after it
        edges = edges[:-1]
    runs = np.empty(len(edges) + 1, dtype=np.uint32)
    runs[:-1], runs[-1] = edges, size
    runs[1:] -= runs[:-1].copy()
    return runs


def edges_of_runs(runs: np.ndarray) -> np.ndarray:
    """Where the samples change, int64: starts and stops of the covered stretches by turns, an even number."""
    edges = np.cumsum(runs, dtype=np.int64)
    return edges if len(runs) % 2 == 0 else edges[:-1]


def decode_runs(runs: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The boolean array of ``shape`` that :func:`encode_runs` was given."""
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape)


@dataclass
class Regions:
    """The exact cover of N objects on one canvas.

    Attributes:
        spatial_shape: of the canvas, tensor order ``(..., z, y, x)``.
        offsets: int64 ``[N, D]``, tensor order: the first sample of each object's window.
        shapes: int64 ``[N, D]``, tensor order: the extent of each window (0 along every axis for an empty object).
        runs: N arrays of run lengths, see :func:`encode_runs`.
        axis_map: from the canvas into the frame in which the objects' boxes are given, if that is another one. A
            training sample that was resized, cropped and flipped keeps the masks of the file and changes this map.
    """

    spatial_shape: tuple[int, ...]
    offsets: np.ndarray
    shapes: np.ndarray
    runs: list[np.ndarray] = field(default_factory=list)
    axis_map: AxisMap | None = None

    @property
    def ndim(self) -> int:
        return len(self.spatial_shape)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: np.ndarray | Tensor | slice | Sequence[int]) -> Regions:
        """The regions at ``index``: a boolean or integer array, a slice or a list of integers."""
        if isinstance(index, Tensor):
            index = index.detach().cpu().numpy()
        chosen = np.arange(len(self))[index].reshape(-1)
        runs = [self.runs[i] for i in chosen]
        return Regions(self.spatial_shape, self.offsets[chosen], self.shapes[chosen], runs, self.axis_map)

    def window(self, i: int) -> np.ndarray:
        """The boolean mask of object ``i`` inside its own window, shape ``shapes[i]``."""
        return decode_runs(self.runs[i], self.shapes[i])

    def window_slices(self, i: int) -> tuple[slice, ...]:
        """Where the window of object ``i`` lies on the canvas, tensor order."""
        return tuple(slice(int(o), int(o + s)) for o, s in zip(self.offsets[i], self.shapes[i]))

    def mask(self, i: int) -> np.ndarray:
        """The boolean full-size mask of object ``i``, shape ``spatial_shape``."""
        full = np.zeros(self.spatial_shape, dtype=bool)
        full[self.window_slices(i)] = self.window(i)
        return full

    def areas(self) -> np.ndarray:
        """Number of samples (pixels, voxels) of each object, int64 ``[N]``."""
        return np.array([int(r[1::2].sum()) for r in self.runs], dtype=np.int64)

    def boxes(self) -> np.ndarray:
        """The tight box of each object on the canvas, float32 ``[N, 2D]``, x first; zeros for an empty object."""
        low = self.offsets[:, ::-1]
        return np.concatenate([low, low + self.shapes[:, ::-1]], axis=1).astype(np.float32)

    @staticmethod
    def blank(spatial_shape: Sequence[int], count: int = 0) -> Regions:
        """``count`` objects that cover nothing: no objects at all, or objects whose masks nobody drew."""
        nothing = np.zeros((count, len(spatial_shape)), dtype=np.int64)
        runs = [np.zeros(1, dtype=np.uint32)] * count
        return Regions(tuple(int(s) for s in spatial_shape), nothing, nothing.copy(), runs)

    @staticmethod
    def join(parts: Sequence[Regions]) -> Regions:
        """The objects of one or more parts, one after another; all are of one canvas and one map."""
        return Regions(
            parts[0].spatial_shape,
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.shapes for part in parts]),
            [runs for part in parts for runs in part.runs],
            parts[0].axis_map,
        )

    @staticmethod
    def from_windows(spatial_shape: Sequence[int], windows: Iterable[tuple[Sequence[int], np.ndarray]]) -> Regions:
        """From pairs (offset in tensor order, boolean window); windows are cut to the tight box of what they hold."""
        ndim = len(spatial_shape)
        offsets, shapes, runs = [], [], []
        for offset, mask in windows:
            low, tight = tighten(np.asarray(mask, dtype=bool))
            offsets.append(np.asarray(offset, dtype=np.int64) + low if tight.size else np.zeros(ndim, np.int64))
            shapes.append(np.array(tight.shape, dtype=np.int64))
            runs.append(encode_runs(tight))
        return Regions(
            tuple(int(s) for s in spatial_shape),
            np.array(offsets, dtype=np.int64).reshape(-1, ndim),
            np.array(shapes, dtype=np.int64).reshape(-1, ndim),
            runs,
        )

    @staticmethod
    def from_spans(spatial_shape: Sequence[int], spans: np.ndarray, counts: np.ndarray) -> Regions:
        """From stretches of rows, object after object.

        Args:
            spatial_shape: of the canvas, tensor order.
            spans: int64 ``[n, D + 1]``, on the canvas: a row (D - 1 coordinates, tensor order), the
                first sample along the last axis and the one after the last. Of each object in C
                order, none empty, none overlapping.
            counts: ``[N]``: how many of them are each object's.

        Returns:
            The regions.
        """
        regions = Regions.blank(spatial_shape, len(counts))
        able = np.flatnonzero(counts)
        if len(able) == 0:
            return regions
        last = np.cumsum(counts[able])
        begin = last - counts[able]
        low = np.minimum.reduceat(spans[:, :-1], begin, axis=0)
        high = np.maximum.reduceat(spans, begin, axis=0)
        high = np.concatenate([high[:, :-2] + 1, high[:, -1:]], axis=1)
        regions.offsets[able], regions.shapes[able] = low, high - low
        for i, a, b in zip(able, begin, last):
            regions.runs[i] = _runs_of_spans(spans[a:b], regions.offsets[i], regions.shapes[i])
        return regions

    @staticmethod
    def from_masks(masks: Iterable[np.ndarray], spatial_shape: Sequence[int]) -> Regions:
        """From full-size boolean masks, which may come one at a time."""
        zero = (0,) * len(spatial_shape)
        return Regions.from_windows(spatial_shape, ((zero, mask) for mask in masks))

    @staticmethod
    def from_label_map(label_map: np.ndarray) -> Regions:
        """From an array of whole numbers of any D: 0 is background, each other value one object, in rising order."""
        shape = label_map.shape
        flat = label_map.ravel()
        covered = np.flatnonzero(flat)
        by_value = covered[np.argsort(flat[covered], kind="stable")]
        values, first = np.unique(flat[by_value], return_index=True)
        if len(values) == 0:
            return Regions.blank(shape)
        positions = np.stack(np.unravel_index(by_value, shape), axis=1)
        low = np.minimum.reduceat(positions, first, axis=0).astype(np.int64)
        extent = np.maximum.reduceat(positions, first, axis=0) + 1 - low
        windows = (label_map[tuple(slice(a, a + n) for a, n in zip(*w))] for w in zip(low, extent))
        runs = [encode_runs(window == value) for window, value in zip(windows, values)]
        return Regions(tuple(shape), low, extent, runs)


def _runs_of_spans(spans: np.ndarray, low: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Run lengths of one object's spans in the window of ``shape`` that begins at ``low``."""
    row: Any = 0
    for axis, extent in enumerate(shape[:-1]):
        row = row * extent + (spans[:, axis] - low[axis])
    row = row * shape[-1] - low[-1]
    start, stop = spans[:, -2] + row, spans[:, -1] + row
    parted = start[1:] != stop[:-1]  # spans that touch, in a row or from one full row to the next, are one run
    edges = np.empty((1 + np.count_nonzero(parted), 2), np.int64)
    edges[0, 0], edges[1:, 0], edges[:-1, 1], edges[-1, 1] = start[0], start[1:][parted], stop[:-1][parted], stop[-1]
    return runs_of_edges(edges.ravel(), int(shape.prod()))


def tighten(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The offset and content of the smallest window that holds every True of ``mask``; an empty one has size 0."""
    low, content = [], mask
    for axis in range(mask.ndim):
        others = tuple(a for a in range(mask.ndim) if a != axis)
        where = np.flatnonzero(content.any(axis=others))
        if where.size == 0:
            return np.zeros(mask.ndim, np.int64), np.zeros((0,) * mask.ndim, dtype=bool)
        low.append(where[0])
        content = content[(slice(None),) * axis + (slice(where[0], where[-1] + 1),)]
    return np.array(low, dtype=np.int64), content


def stretches(regions: Regions, i: int) -> np.ndarray:
    """The samples of a signal that object ``i`` covers: int64 ``[n, 2]``, start and end, half-open and ascending."""
    edges = int(regions.offsets[i, 0]) + np.cumsum(regions.runs[i].astype(np.int64))
    return edges[: len(edges) // 2 * 2].reshape(-1, 2)  # a run of zeros that comes last ends no stretch


def paste_regions(masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int], threshold: float = 0.5) -> Regions:
    """Paste masks over their boxes as regions of an image: outlines only, no window is filled.

    Args:
        masks: ``[N, *M]``, probabilities.
        boxes: ``[N, 2D]``, on the image.
        spatial_shape: of the image, tensor order.
        threshold: a sample belongs to the object from this probability on.

    Returns:
        N regions.
    """
    low, high = clip_boxes(boxes, spatial_shape).chunk(2, -1)
    rows = (high - low).ceil().add(1)[:, 1:].prod(1)
    together = torch.unique_consecutive(rows.cumsum(0) // ROWS_AT_ONCE, return_counts=True)[1].tolist() or [0]
    some = zip(masks.split(together), boxes.split(together))
    found = [mask_spans(own, its_boxes, spatial_shape, threshold) for own, its_boxes in some]
    spans, counts = (torch.cat(parts).cpu().numpy() for parts in zip(*found))
    return Regions.from_spans(spatial_shape, spans, counts)
