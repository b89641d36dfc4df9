"""What two masks share, reckoned on run lengths: no mask is ever filled, and either may be shifted."""

from __future__ import annotations

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
    low, shape = regions.offsets[i], regions.shapes[i]
    start, stop = edges_of_runs(regions.runs[i]).reshape(-1, 2).T
    width = max(int(shape[-1]), 1)
    first, last = start // width, (stop - 1) // width
    count = last - first + 1  # a run may go on through several full rows
    row = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    begin = np.maximum(np.repeat(start, count), row * width) - row * width
    end = np.minimum(np.repeat(stop, count), (row + 1) * width) - row * width
    around = tuple(max(int(n), 1) for n in shape[:-1])
    rows = np.stack(np.unravel_index(row, around), 1) if around else np.zeros((len(row), 0), np.int64)
    return Spans(rows + low[:-1], np.stack([begin, end], 1) + low[-1], low, low + shape)


def shared_samples(a: Spans, b: Spans) -> int:
    """How many samples two masks share.

    Rows are laid one after another on a line that is long enough for both. How much of ``a`` lies before a position of
    the line is piecewise linear, and each stretch of ``b`` asks for it at its two ends.
    """
    if len(a.ends) == 0 or len(b.ends) == 0 or (np.minimum(a.high, b.high) <= np.maximum(a.low, b.low)).any():
        return 0
    low, high = np.minimum(a.low, b.low), np.maximum(a.high, b.high)
    on_line = [_on_line(spans, low, high - low) for spans in (a, b)]
    starts, stops = on_line[0].T
    before = np.concatenate([[0], np.cumsum(stops - starts)])

    def covered_before(position: np.ndarray) -> np.ndarray:
        whole = np.searchsorted(stops, position, side="right")
        begun = np.minimum(whole, len(starts) - 1)
        part = np.clip(position - starts[begun], 0, stops[begun] - starts[begun])
        covered: np.ndarray = np.where(whole < len(starts), before[whole] + part, before[-1])
        return covered

    return int((covered_before(on_line[1][:, 1]) - covered_before(on_line[1][:, 0])).sum())


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
