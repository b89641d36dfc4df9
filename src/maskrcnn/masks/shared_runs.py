"""What two masks share, reckoned on run lengths: no mask is ever filled, and either may be shifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.regions import Regions


@dataclass(frozen=True)
class Spans:
    """One mask as stretches of rows.

    Attributes:
        rows: int64 ``[n, D - 1]``, tensor order: the row of each stretch, on the canvas.
        ends: int64 ``[n, 2]``: its first sample along the last axis and the one after its last.
        low, high: int64 ``[D]``: the window that holds them, half-open.
        area: how many samples the mask covers.
    """

    rows: np.ndarray
    ends: np.ndarray
    low: np.ndarray
    high: np.ndarray
    area: int


def spans_of(regions: Regions, i: int) -> Spans:
    """Object ``i`` as stretches of rows, in C order."""
    return all_spans(regions[[i]])[0]


def all_spans(regions: Regions) -> list[Spans]:
    """Each object as stretches of rows, in C order; all are reckoned at once."""
    if not len(regions):
        return []
    of_run, start, stop = _stretches(regions.runs)
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
    counts = np.bincount(owner, minlength=len(regions))
    areas = np.bincount(owner, end - begin, minlength=len(regions))
    stops = np.cumsum(counts).tolist()
    each = zip(stops, counts.tolist(), offsets, offsets + np.asarray(regions.shapes, np.int64), areas.tolist())
    return [Spans(rows[z - n : z], ends[z - n : z], low, high, int(area)) for z, n, low, high, area in each]


def _stretches(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The covered stretches of run lengths of several masks, each int64 ``[n]``: whose each is, its start and stop."""
    counts = np.array([len(own) for own in runs])
    every = np.concatenate(runs).astype(np.int64)
    changes = np.cumsum(every)
    ends = np.cumsum(counts)
    before = np.concatenate([[0], changes[ends[:-1] - 1]])
    changes -= np.repeat(before, counts)
    even = np.ones(len(changes), bool)
    even[ends[counts % 2 == 1] - 1] = False  # a run of zeros that comes last
    start, stop = changes[even].reshape(-1, 2).T
    return np.repeat(np.arange(len(runs)), counts // 2), start, stop


def shared_of_pairs(
    one: Sequence[Spans], other: Sequence[Spans], pairs: np.ndarray, shifts: np.ndarray | None = None
) -> np.ndarray:
    """How many samples the masks of many pairs share, all pairs at once.

    Each mask of ``one`` gets a stretch of a line, in which its rows are laid end to end. How much of it lies before a
    position of the line is piecewise linear, and each span of ``other`` asks for it at its two ends.

    Args:
        one: masks.
        other: masks of the same number of dimensions.
        pairs: int64 ``[P, 2]``: places in ``one`` and in ``other``.
        shifts: int64 ``[len(one), D]``, tensor order: by how many samples each of ``one`` is moved first, perhaps off
            the canvas; None: they stay.

    Returns:
        int64 ``[P]``.
    """
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    if not len(pairs):
        return np.zeros(0, np.int64)
    (used_a, a), (used_b, b) = (np.unique(places, return_inverse=True) for places in pairs.T)
    masks_a, masks_b = [one[i] for i in used_a], [other[j] for j in used_b]
    (low_a, high_a), (low_b, high_b) = _windows(masks_a), _windows(masks_b)
    steps = np.zeros_like(low_a) if shifts is None else np.asarray(shifts, np.int64)[used_a]
    low = np.minimum((low_a + steps).min(0), low_b.min(0))
    shape = np.maximum((high_a + steps).max(0), high_b.max(0)) - low
    length = int(shape.prod()) + 1  # of a stretch
    line, counts_a = _on_line(masks_a, steps - low, shape)
    line = line + np.repeat(np.arange(len(masks_a)) * length, counts_a)[:, None]
    asked, counts = _on_line(masks_b, np.broadcast_to(-low, (len(masks_b), len(low))), shape)
    count = counts[b]
    pair = np.repeat(np.arange(len(pairs)), count)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    ends = asked[within + np.repeat((np.cumsum(counts) - counts)[b], count)]
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


def _windows(masks: Sequence[Spans]) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corners of masks, int64 ``[n, D]`` each."""
    low, high = (np.concatenate(corners).reshape(len(masks), -1) for corners in zip(*((m.low, m.high) for m in masks)))
    return low, high


def _on_line(masks: Sequence[Spans], steps: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where spans lie when the rows of a window of this ``shape`` lie end to end.

    Args:
        masks: one or more.
        steps: int64 ``[len(masks), D]``: from the canvas into the window.
        shape: int64 ``[D]``.

    Returns:
        Starts and stops, int64 ``[n, 2]``, rising within each mask, one mask after another; and how many each has.
    """
    counts = np.array([len(spans.ends) for spans in masks])
    rows = np.concatenate([spans.rows for spans in masks])
    step = np.repeat(steps, counts, axis=0)
    row = np.zeros(len(rows), np.int64)
    for axis, extent in enumerate(shape[:-1]):
        row = row * extent + (rows[:, axis] + step[:, axis])
    ends: np.ndarray = np.concatenate([spans.ends for spans in masks]) + (row * shape[-1] + step[:, -1])[:, None]
    return ends, counts
