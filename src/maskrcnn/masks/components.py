"""The connected parts of an array of numbers, in any number of dimensions: a map of classes becomes objects.

The array is looked at as runs, stretches of one number along the last axis, which are many times fewer than samples.
Runs of neighbouring rows that touch are joined by a union-find in whole-array steps: each round hangs the later of two
trees on the earlier, all pairs at once. At least every second tree is gone after two rounds, so there are few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskrcnn.regions import Regions


def connected_parts(values: np.ndarray, corners: bool = False) -> np.ndarray:
    """Number the connected parts of equal value, int32 of the same shape; 0 is background and stays 0.

    Parts are numbered from 1 in the order of their first samples.

    Args:
        values: ``[*S]`` of bool or a whole-number type. Different numbers never make one part.
        corners: whether samples that touch at no more than an edge or a corner are connected too, not only those with
            a side (of voxels: a face) in common.
    """
    if values.size == 0:
        return np.zeros(values.shape, dtype=np.int32)
    runs = _runs(values)
    part = np.arange(len(runs.start))
    for step in _steps(values.ndim - 1, corners):
        part = _join(part, *_touching(runs, values.shape, step, corners))
    first = part == np.arange(len(part))  # a part is known by its first run
    return _drawn(runs, np.cumsum(first, dtype=np.int32)[part], values.shape)


@dataclass(frozen=True)
class _Runs:
    """Stretches of one number other than 0 along the last axis, in C order, ``[n]`` each.

    Attributes:
        start: of the first sample, in the array's flat order.
        stop: behind the last one.
        value: the number.
    """

    start: np.ndarray
    stop: np.ndarray
    value: np.ndarray


def _runs(values: np.ndarray) -> _Runs:
    flat = np.ascontiguousarray(values).ravel()
    begins = np.empty(flat.size, dtype=bool)
    begins[0] = True
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: values.shape[-1]] = True  # a row ends what the row before holds
    start = np.flatnonzero(begins)
    value, stop = flat[start], np.append(start[1:], flat.size)
    covered = np.flatnonzero(value)
    return _Runs(start[covered], stop[covered], value[covered])


def _steps(axes: int, corners: bool) -> Iterator[tuple[int, ...]]:
    """From a row to those of its neighbours that come after it; the others meet it from their own side."""
    for step in itertools.product((-1, 0, 1), repeat=axes):
        if step > (0,) * axes and (corners or np.abs(step).sum() == 1):
            yield step


def _touching(
    runs: _Runs, shape: tuple[int, ...], step: tuple[int, ...], corners: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of indices of runs of one value that touch, of which the second lies ``step`` rows further."""
    rows, width = shape[:-1], shape[-1]
    row, shift = runs.start // width, 0
    inside = np.ones(len(row), dtype=bool)
    for place, by, side in zip(np.unravel_index(row, rows), step, rows):
        inside &= (place + by >= 0) & (place + by < side)
        shift = shift * side + by
    own = np.flatnonzero(inside)
    low, high = runs.start[own], runs.stop[own]
    if corners:  # one sample further, but never into another row
        begin = row[own] * width
        low, high = np.maximum(low - 1, begin), np.minimum(high + 1, begin + width)
    met = np.searchsorted(runs.stop, low + shift * width, side="right")
    count = np.searchsorted(runs.start, high + shift * width, side="left") - met
    first = np.repeat(own, count)
    second = np.arange(len(first)) + np.repeat(met - (np.cumsum(count) - count), count)
    equal = runs.value[first] == runs.value[second]
    return first[equal], second[equal]


def _join(part: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``part [n]``, the first run of the part of each run, after the pairs ``first`` and ``second`` are joined."""
    part = part.copy()
    while len(first):
        low, high = np.minimum(part[first], part[second]), np.maximum(part[first], part[second])
        apart = low < high
        first, second = first[apart], second[apart]
        np.minimum.at(part, high[apart], low[apart])
        while ((parent := part[part]) != part).any():  # until every run knows the root of its tree
            part = parent
    return part


def _drawn(runs: _Runs, numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array whose runs hold ``numbers [n]``, int32."""
    size = int(np.prod(shape))
    edges = np.stack([runs.start, runs.stop], axis=1).ravel()
    between = np.diff(edges, prepend=0, append=size)
    filled = np.zeros(len(between), dtype=np.int32)
    filled[1::2] = numbers
    return np.repeat(filled, between).reshape(shape)


def class_of_each(regions: Regions, classes: np.ndarray) -> np.ndarray:
    """The number that most pixels of each object have in ``classes`` ``[H, W]``, int64 ``[N]``."""
    numbers = np.zeros(len(regions), dtype=np.int64)
    for i in range(len(regions)):
        values, counts = np.unique(classes[regions.window_slices(i)][regions.window(i)], return_counts=True)
        numbers[i] = values[counts.argmax()]
    return numbers
