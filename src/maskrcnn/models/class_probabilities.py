"""What class each sample of a file is of, as probabilities on the coarse grids of the looks that saw it.

A head tells classes on a grid of its own, coarser than the file. Probabilities of every class for every sample of a
photo of 24 megapixels would be gigabytes, so they are read from the coarse grids when they are asked for, block by
block: from one look, from an image and its mirror image, or from tiles, which fade into each other where they overlap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.ops.nd import read_linear
from maskrcnn.regions import AxisMap

BYTE = 255  # certainty
BLOCK_VALUES = 1 << 22  # probabilities that are read together: 16 MiB

Slices = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class View:
    """What one look says of the part of a file that it saw.

    Attributes:
        probabilities: uint8 ``[C, *G]``, 0..255.
        to_grid: from coordinates of the file to those of the grid.
        part: which samples of the file it saw, tensor order.
    """

    probabilities: Tensor
    to_grid: AxisMap
    part: Slices

    def read(self, block: Slices) -> Tensor:
        """Float ``[C, *block]``, 0..255."""
        low, high = [axis.start for axis in block], [axis.stop for axis in block]
        return read_linear(self.probabilities.float(), self.to_grid.scale[::-1], self.to_grid.shift[::-1], low, high)

    def weights(self, block: Slices) -> Tensor:
        """Float ``[*block]``: samples to the nearest border of what the view saw along each axis, multiplied."""
        weights = torch.ones(())
        for seen, axis in zip(self.part, block):
            at = torch.arange(axis.start, axis.stop, dtype=torch.float32)
            weights = weights[..., None] * torch.minimum(at + 1 - seen.start, seen.stop - at)
        return weights


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """What class each sample of a file is of.

    Attributes:
        views: that together saw all of the file.
        spatial_shape: of the file, tensor order.
        first: the label of the views' first row: 0 where they know background, else 1.
    """

    views: tuple[View, ...]
    spatial_shape: tuple[int, ...]
    first: int

    def __len__(self) -> int:
        """C, the classes (and background) that are told apart."""
        return len(self.views[0].probabilities)

    def to(self, device: torch.device | str) -> ClassProbabilities:
        """The same on another device."""
        return replace(self, views=tuple(replace(v, probabilities=v.probabilities.to(device)) for v in self.views))

    def within(self, back: AxisMap, spatial_shape: Sequence[int]) -> ClassProbabilities:
        """The same in other coordinates, to which ``back`` leads, of a file of ``spatial_shape`` that all views saw."""
        shape = tuple(int(side) for side in spatial_shape)
        whole, forth = tuple(slice(0, side) for side in shape), back.inverse()
        views = tuple(replace(view, to_grid=forth.then(view.to_grid), part=whole) for view in self.views)
        return replace(self, views=views, spatial_shape=shape)

    def labels(self) -> Tensor:
        """The likeliest label of each sample, int16 ``[*S]``."""
        labels = torch.empty(self.spatial_shape, dtype=torch.int16)
        for block in self._blocks():
            labels[block] = (self.read(block).argmax(0) + self.first).to(torch.int16)
        return labels

    def as_bytes(self) -> np.ndarray:
        """The probability of each class at each sample, uint8 ``[C, *S]``, 255 for certainty."""
        values = np.empty((len(self), *self.spatial_shape), dtype=np.uint8)
        for block in self._blocks():
            values[(slice(None), *block)] = self.read(block).round().to(torch.uint8).numpy()
        return values

    def read(self, block: Slices) -> Tensor:
        """The views' probabilities of a block of samples, float ``[C, *block]``, 0..255, on the CPU. Where several saw
        a sample each counts by how far it lies from that view's border."""
        if len(self.views) == 1:
            return self.views[0].read(block).cpu()
        shape = [axis.stop - axis.start for axis in block]
        total, weights = torch.zeros(len(self), *shape), torch.zeros(shape)
        for view in self.views:
            shared = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(view.part, block))
            if all(axis.start < axis.stop for axis in shared):
                inside = tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(shared, block))
                own = view.weights(shared)
                total[(slice(None), *inside)] += view.read(shared).cpu() * own
                weights[inside] += own
        return total.div_(weights)

    def _blocks(self) -> Iterator[Slices]:
        """The file in pieces whose probabilities are few enough to be read together."""
        side = max(1, int((BLOCK_VALUES / len(self)) ** (1 / len(self.spatial_shape))))
        counts = [math.ceil(extent / side) for extent in self.spatial_shape]
        edges = [np.linspace(0, e, n + 1).round().astype(int).tolist() for e, n in zip(self.spatial_shape, counts)]
        return itertools.product(*([slice(a, b) for a, b in zip(axis, axis[1:])] for axis in edges))


def from_grid(logits: Tensor, strides: Sequence[int], spatial_shape: Sequence[int], first: int) -> ClassProbabilities:
    """What logits on the grid of a padded input say of the input.

    Args:
        logits: ``[C, *G]``, of one image.
        strides: samples of the input for one of the grid, tensor order.
        spatial_shape: of the input before padding, tensor order.
        first: the label of the first row.

    Returns:
        The probabilities, in coordinates of the input.
    """
    seen = tuple(slice(0, math.ceil(side / step)) for side, step in zip(spatial_shape, strides))
    inside = logits[(slice(None), *seen)].float().softmax(0)
    to_grid = AxisMap(tuple(1 / step for step in reversed(strides)), (0.0,) * len(strides))
    shape = tuple(int(side) for side in spatial_shape)
    view = View((inside * BYTE).round().to(torch.uint8), to_grid, tuple(slice(0, side) for side in shape))
    return ClassProbabilities((view,), shape, first)


def joined(parts: Sequence[ClassProbabilities]) -> ClassProbabilities:
    """What several looks at the same samples say together."""
    return replace(parts[0], views=tuple(view for part in parts for view in part.views))


def in_place(
    parts: Sequence[ClassProbabilities], slices: Sequence[Slices], spatial_shape: Sequence[int]
) -> ClassProbabilities:
    """What the tiles or channels of an image say of it.

    Args:
        parts: of each tile or channel, in its own coordinates; that of a channel may have been put together from tiles.
        slices: where each lies, tensor order.
        spatial_shape: of the image, tensor order.

    Returns:
        The probabilities, in coordinates of the image.
    """
    views = []
    for part, where in zip(parts, slices):
        start = tuple(axis.start for axis in where)
        into = AxisMap((1.0,) * len(start), tuple(-float(at) for at in reversed(start)))
        for view in part.views:
            seen = tuple(slice(own.start + at, own.stop + at) for own, at in zip(view.part, start))
            views.append(replace(view, to_grid=into.then(view.to_grid), part=seen))
    return ClassProbabilities(tuple(views), tuple(int(side) for side in spatial_shape), parts[0].first)
