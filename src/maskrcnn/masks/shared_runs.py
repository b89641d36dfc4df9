"""What two masks share, reckoned on run lengths: no mask is ever filled, and either may be shifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.regions import Regions, edges_of_runs


@dataclass(frozen=True)
class Spans:
    """One mask as stretches of rows.

    Attributes:
        rows: int64 ``[n, D - 1]``, tensor order: the row of each stretch, on the canvas.
        ends: int64 ``[n, 2]``: its first sample along the last axis and the one after its last.
        low, high: int64 ``[D]``: the window that holds them, half-open.
    """

    rows: np.ndarray
    ends: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def area(self) -> int:
        """How many samples the mask covers."""
        return int((self.ends[:, 1] - self.ends[:, 0]).sum())

    def moved(self, shift: np.ndarray) -> Spans:
        """The mask shifted by whole samples, int64 ``[D]``, tensor order; it may leave the canvas."""
        return Spans(self.rows + shift[:-1], self.ends + shift[-1], self.low + shift, self.high + shift)


def spans_of(regions: Regions, i: int) -> Spans:
    """Object ``i`` as stretches of rows, in C order."""
    return all_spans(regions[[i]])[0]


def all_spans(regions: Regions) -> list[Spans]:
    """Each object as stretches of rows, in C order; all are reckoned at once."""
    if not len(regions):
        return []
    edges = [edges_of_runs(runs).reshape(-1, 2) for runs in regions.runs]
    of_run = np.repeat(np.arange(len(edges)), [len(own) for own in edges])
    start, stop = np.concatenate(edges).T
    shapes = np.maximum(np.asarray(regions.shapes, np.int64), 1)
    width = shapes[of_run, -1]
    first, last = start // width, (stop - 1) // width
    count = last - first + 1  # a run may go on through several full rows
    row = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    width, owner = np.repeat(width, count), np.repeat(of_run, count)
    begin = np.maximum(np.repeat(start, count), row * width) - row * width
    end = np.minimum(np.repeat(stop, count), (row + 1) * width) - row * width
    places = []
    for axis in range(shapes.shape[1] - 2, -1, -1):  # the last but one changes fastest
        places.append(row % shapes[owner, axis] if axis else row)
        row = row // shapes[owner, axis]
    rows = np.stack(places[::-1], 1) if places else np.zeros((len(row), 0), np.int64)
    offsets = np.asarray(regions.offsets, np.int64)
    rows, ends = rows + offsets[owner, :-1], np.stack([begin, end], 1) + offsets[owner, -1:]
    cuts = np.cumsum(np.bincount(owner, minlength=len(edges)))[:-1]
    windows = zip(offsets, offsets + np.asarray(regions.shapes, np.int64))
    return [Spans(r, e, *window) for r, e, window in zip(np.split(rows, cuts), np.split(ends, cuts), windows)]


def shared_of_pairs(one: Sequence[Spans], other: Sequence[Spans], pairs: np.ndarray) -> np.ndarray:
    """How many samples the masks of many pairs share, all pairs at once.

    Each mask of ``one`` gets a stretch of a line, in which its rows are laid end to end. How much of it lies before a
    position of the line is piecewise linear, and each span of ``other`` asks for it at its two ends.

    Args:
        one: masks.
        other: masks of the same number of dimensions.
        pairs: int64 ``[P, 2]``: places in ``one`` and in ``other``.

    Returns:
        int64 ``[P]``.
    """
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    if not len(pairs):
        return np.zeros(0, np.int64)
    (used_a, a), (used_b, b) = (np.unique(places, return_inverse=True) for places in pairs.T)
    masks_a, masks_b = [one[i] for i in used_a], [other[j] for j in used_b]
    low = np.min([spans.low for spans in (*masks_a, *masks_b)], 0)
    shape = np.max([spans.high for spans in (*masks_a, *masks_b)], 0) - low
    length = int(shape.prod()) + 1  # of a stretch
    line = np.concatenate([_on_line(spans, low, shape) + k * length for k, spans in enumerate(masks_a)])
    asked = [_on_line(spans, low, shape) for spans in masks_b]
    counts = np.array([len(ends) for ends in asked])
    count = counts[b]
    pair = np.repeat(np.arange(len(pairs)), count)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    ends = np.concatenate(asked)[within + np.repeat((np.cumsum(counts) - counts)[b], count)]
    ends = ends + (a[pair] * length)[:, None]
    covered = _covered_before(line, ends[:, 1]) - _covered_before(line, ends[:, 0])
    shared: np.ndarray = np.bincount(pair, covered, minlength=len(pairs)).astype(np.int64)
    return shared


def _covered_before(line: np.ndarray, position: np.ndarray) -> np.ndarray:
    """How many samples of the spans ``[n, 2]``, rising, lie before each position of their line."""
    if not len(line):
        return np.zeros_like(position)
    starts, stops = line.T
    before = np.concatenate([[0], np.cumsum(stops - starts)])
    whole = np.searchsorted(stops, position, side="right")
    begun = np.minimum(whole, len(starts) - 1)
    part = np.clip(position - starts[begun], 0, stops[begun] - starts[begun])
    covered: np.ndarray = np.where(whole < len(starts), before[whole] + part, before[-1])
    return covered


def shared_samples(a: Spans, b: Spans) -> int:
    """How many samples two masks share."""
    if len(a.ends) == 0 or len(b.ends) == 0 or (np.minimum(a.high, b.high) <= np.maximum(a.low, b.low)).any():
        return 0
    return int(shared_of_pairs([a], [b], np.zeros((1, 2), np.int64))[0])


def mask_iou(a: Spans, b: Spans) -> float:
    """Shared samples by those of either; 0 where both are empty."""
    shared = shared_samples(a, b)
    return shared / (a.area + b.area - shared) if shared else 0.0


def _on_line(spans: Spans, low: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Starts and stops, int64 ``[n, 2]``, rising, where the rows of the window ``low, shape`` lie end to end."""
    row = np.zeros(len(spans.ends), np.int64)
    for axis, extent in enumerate(shape[:-1]):
        row = row * extent + (spans.rows[:, axis] - low[axis])
    ends: np.ndarray = spans.ends + (row * shape[-1] - low[-1])[:, None]
    return ends
