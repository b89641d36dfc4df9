"""How the picture of a signal is divided: strips, rows of words and bars, and where a sample lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from maskrcnn.drawing.colours import Color
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, font_of
from maskrcnn.modalities.signals.draw.curves import Curves
from maskrcnn.modalities.signals.draw.marks import Marks, fits, place_words, rows_of, wordings
from maskrcnn.modalities.signals.draw.scale import strip_length

WIDTH = 2000  # pixels of the picture
WORD_SIZE = 15  # pixels of the font
WORD_ROW = 22
BAR, TRUTH_BAR = 10, 6  # heights of the bars
BARS_GAP = 5  # above each kind of bars
BAR_ROWS = 3  # of bars that overlap; beyond, they share the last
AXIS = 28
BETWEEN = 16  # strips
TICK_GAP = 95  # pixels at least between two words of an axis
INK: Color = (32, 36, 44)
MUTED: Color = (112, 118, 130)
GRID: Color = (226, 230, 236)


class SignalLike(Protocol):
    """A recording: ``samples`` float ``[C, T]``, ``rate`` in samples a second, ``kind`` "wfdb", "audio", "series" or
    "dna", and ``unit`` of a position, "s", "bp" or "samples"."""

    @property
    def samples(self) -> Tensor | np.ndarray: ...
    @property
    def rate(self) -> float: ...
    @property
    def channel_names(self) -> Sequence[str]: ...
    @property
    def kind(self) -> str: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True)
class Layout:
    """Sizes of one picture in pixels; ``strip`` is what a strip shows, in samples, ``rate`` samples a unit.

    Of ``count`` strips ``on_page`` are on a page, fewer on the last.
    """

    left: int
    right: int
    strip: float
    count: int
    on_page: int
    rate: float
    unit: str
    channel_height: int
    word_rows: int
    bar_rows: int
    truth_rows: int

    @property
    def pages(self) -> int:
        return -(-self.count // self.on_page)

    def columns(self, samples: np.ndarray, first: float) -> np.ndarray:
        """Where samples lie along the strip that begins with sample ``first``, in pixels of the picture."""
        return self.left + (samples - first) * (self.right - self.left) / self.strip


def rate_of(signal: SignalLike) -> float:
    """Samples for each unit of the axis."""
    return signal.rate if signal.unit == "s" else 1.0


def samples_of_strip(signal: SignalLike, page: float | None = None) -> float:
    """How many samples a strip shows; the last may end earlier. ``page`` is the most that is on a page, in units."""
    extent = max(signal.samples.shape[-1], 1) / rate_of(signal)
    extent = extent if page is None else min(extent, page)
    return max(strip_length(extent, signal.unit) * rate_of(signal), 1.0)


def lay_out(
    signal: SignalLike,
    curves: Curves,
    marks: tuple[Marks, Marks],
    width: int,
    with_truth: bool,
    page: float | None = None,
) -> Layout:
    """The sizes of a picture of ``width`` pixels.

    Args:
        signal: what is drawn.
        curves: its channels.
        marks: the objects that were found, and those that are labelled.
        width: of the picture in pixels.
        with_truth: whether there is room for the labelled ones.
        page: the most that is on a page, in units; None: all.

    Returns:
        Where everything lies, in pixels.
    """
    found, true = marks
    strip = samples_of_strip(signal, page)
    count = max(1, math.ceil(signal.samples.shape[-1] / strip - 1e-6))
    on_page = count if page is None else min(count, max(1, math.floor(page * rate_of(signal) / strip + 1e-6)))
    names = max((font_of(TEXT_SIZE).getlength(name) for name in curves.names), default=0)
    left = round(MARGIN + max(names, font_of(TEXT_SIZE).getlength("found")) + 74)
    return Layout(
        left=left,
        right=width - MARGIN,
        strip=strip,
        count=count,
        rate=rate_of(signal),
        unit=signal.unit,
        on_page=on_page,
        channel_height=curves.channel_height(on_page),
        word_rows=3 if on_page == 1 else 2,
        bar_rows=_rows_needed(found),
        truth_rows=_rows_needed(true) if with_truth else 0,
    )


def _rows_needed(marks: Marks) -> int:
    rows = rows_of([tuple(box) for box in marks.boxes.tolist()], BAR_ROWS)
    return 1 + max((BAR_ROWS - 1 if row is None else row for row in rows), default=0)


def choose_words(
    layout: Layout, found: Marks, class_names: Sequence[str]
) -> tuple[list[str], list[list[tuple[int, int, int]]]]:
    """The fullest words for which there is room, and their places in each strip; none where only
    few have room.

    Args:
        layout: of the picture.
        found: the objects, by start.
        class_names: of labels 1..K.

    Returns:
        The words of each object, and for each strip (index of the object, left end in pixels, row).
    """
    shown = [found.within(k * layout.strip, (k + 1) * layout.strip) for k in range(layout.count)]
    frame = (layout.left, layout.right)
    for words in wordings(found, class_names):
        placed = []
        for k, chosen in enumerate(shown):
            spans = layout.columns(found.boxes[chosen], k * layout.strip)
            places = place_words(spans, [words[i] for i in chosen], frame, layout.word_rows, font_of(WORD_SIZE))
            placed.append([(int(chosen[i]), left, row) for i, left, row in places])
        if fits(sum(map(len, placed)), sum(map(len, shown))):
            return words, placed
    return [], [[] for _ in shown]


def trace_height(layout: Layout, curves: Curves) -> int:
    return layout.channel_height * curves.lanes


def bars_height(layout: Layout) -> int:
    truth = layout.truth_rows * (TRUTH_BAR + 2) + BARS_GAP if layout.truth_rows else 0
    return BARS_GAP + layout.bar_rows * (BAR + 2) + truth
