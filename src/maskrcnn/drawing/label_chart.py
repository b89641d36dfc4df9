"""The labels of a data set at a glance: a row a class with how many objects there are, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn.drawing.colours import Color
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, TITLE_SIZE, font_of
from maskrcnn.drawing.style import class_colours

SUPERSAMPLE = 2  # Pillow draws without anti-aliasing
ROW, PAD = 52, 12  # pixels
NAMES, BARS, COUNTS, SIZES = 190, 260, 70, 640  # widths of the columns, left to right
BINS = 48
MOST = 24  # classes with a row of their own: the most frequent ones
INK: Color = (32, 36, 44)
MUTED: Color = (110, 116, 128)
GRID: Color = (229, 232, 237)
PALE: Color = (214, 219, 226)  # of a class without objects


@dataclass(frozen=True)
class _Pen:
    """Draws in pixels of the finished picture."""

    draw: ImageDraw.ImageDraw

    def text(
        self, place: tuple[float, float], words: str, anchor: str, size: int = TEXT_SIZE, ink: Color = INK
    ) -> None:
        x, y = (SUPERSAMPLE * side for side in place)
        self.draw.text((x, y), words, ink, font_of(SUPERSAMPLE * size), anchor=anchor)

    def line(self, box: tuple[float, float, float, float], ink: Color, width: int = 1) -> None:
        self.draw.line([SUPERSAMPLE * side for side in box], ink, SUPERSAMPLE * width)

    def bar(self, box: tuple[float, float, float, float], ink: Color) -> None:
        left, top, right, bottom = (SUPERSAMPLE * side for side in box)
        if right > left and bottom > top:
            self.draw.rectangle((left, top, right - 1, bottom - 1), ink)


def draw_label_chart(sizes: Mapping[str, np.ndarray], title: str, unit: str) -> Image.Image:
    """Draw how many objects of each class there are and how large they are.

    Args:
        sizes: of each class in the order of its labels: the lengths of its objects, ``[N]``, in ``unit``.
        title: above the rows.
        unit: of the lengths, in words.

    Returns:
        An RGB picture: the most frequent class first, classes without objects too. Sizes are on one logarithmic axis;
        a mark shows the median of each class.
    """
    colours = class_colours(range(1, len(sizes) + 1))
    rows = [(name, lengths, colours[k]) for k, (name, lengths) in enumerate(sizes.items(), start=1)]
    rows.sort(key=lambda row: -len(row[1]))
    shown, left_out = rows[:MOST], rows[MOST:]
    top = MARGIN + 2 * TITLE_SIZE + 2 * TEXT_SIZE
    height = top + ROW * len(shown) + MARGIN + 3 * TEXT_SIZE + (2 * TEXT_SIZE if left_out else 0)
    width = MARGIN + NAMES + PAD + BARS + COUNTS + SIZES + MARGIN
    canvas = Image.new("RGB", (SUPERSAMPLE * width, SUPERSAMPLE * height), "white")
    pen = _Pen(ImageDraw.Draw(canvas))
    pen.text((MARGIN, MARGIN), title, "lt", TITLE_SIZE)
    low, high = size_range([lengths for _, lengths, _ in rows])
    bars, axis = MARGIN + NAMES + PAD, width - MARGIN - SIZES
    pen.text((bars, top - TEXT_SIZE), "objects", "lm", ink=MUTED)
    pen.text((axis, top - TEXT_SIZE), f"size in {unit}, the line is the median", "lm", ink=MUTED)
    bottom = top + ROW * len(shown)
    for value in ticks(low, high):
        x = axis + SIZES * place_of(value, low, high)
        pen.line((x, top, x, bottom), GRID)
        pen.text((x, bottom + 6), f"{value:,.6g}", "mt", 13, MUTED)
    most = max((len(lengths) for _, lengths, _ in rows), default=0)
    for k, (name, lengths, colour) in enumerate(shown):
        _draw_row(pen, top + ROW * k, (name, lengths, colour), most, (low, high))
    if left_out:
        objects = sum(len(lengths) for _, lengths, _ in left_out)
        words = f"and {len(left_out)} more classes with {objects:,} objects"
        pen.text((MARGIN, height - MARGIN), words, "lb", ink=MUTED)
    return canvas.reduce(SUPERSAMPLE)


def size_range(all_lengths: Sequence[np.ndarray]) -> tuple[float, float]:
    """The ends of the axis of sizes: powers of two around all of them, two apart at least."""
    joined = np.concatenate([np.ones(0), *all_lengths])
    joined = joined[np.isfinite(joined) & (joined > 0)]
    if not len(joined):
        return 1.0, 4.0
    low, high = math.floor(math.log2(joined.min())), math.ceil(math.log2(joined.max()))
    return 2.0**low, 2.0 ** max(high, low + 2)


def ticks(low: float, high: float) -> list[float]:
    """Powers of two from ``low`` to ``high``, at most twelve of them."""
    first, last = round(math.log2(low)), round(math.log2(high))
    return [2.0**k for k in range(first, last + 1, 1 + (last - first) // 12)]


def place_of(value: float, low: float, high: float) -> float:
    """Where a size lies on the logarithmic axis.

    Args:
        value: the size.
        low: where the axis begins.
        high: where it ends.

    Returns:
        0..1; what lies outside is at an end.
    """
    return min(max(math.log(max(value, 1e-9) / low) / math.log(high / low), 0.0), 1.0)


def size_counts(lengths: np.ndarray, low: float, high: float) -> np.ndarray:
    """Count the sizes in equal parts of the logarithmic axis.

    Args:
        lengths: ``[N]``, each from ``low`` to ``high``.
        low: where the axis begins.
        high: where it ends.

    Returns:
        int64 ``[BINS]``.
    """
    known = lengths[np.isfinite(lengths) & (lengths > 0)]
    parts = np.log(known / low) / math.log(high / low) * BINS
    return np.bincount(np.clip(parts.astype(np.int64), 0, BINS - 1), minlength=BINS)


def _draw_row(pen: _Pen, top: float, row: tuple[str, np.ndarray, Color], most: int, ends: tuple[float, float]) -> None:
    name, lengths, colour = row
    middle, bars = top + ROW / 2, MARGIN + NAMES + PAD
    ink = INK if len(lengths) else MUTED
    pen.text((MARGIN + NAMES, middle), shortened(name, font_of(TEXT_SIZE), NAMES), "rm", ink=ink)
    long = BARS * len(lengths) / max(most, 1)
    pen.bar((bars, middle - 10, bars + max(long, 2), middle + 10), colour if len(lengths) else PALE)
    pen.text((bars + long + 8, middle), f"{len(lengths):,}", "lm", ink=ink)
    axis, floor = bars + BARS + COUNTS, top + ROW - 4
    pen.line((axis, floor, axis + SIZES, floor), PALE)
    counts = size_counts(lengths, *ends)
    if not counts.any():
        return
    high = (ROW - 12) / counts.max()
    part = SIZES / BINS
    for k in np.flatnonzero(counts):
        pen.bar((axis + part * k, floor - max(high * counts[k], 2), axis + part * (k + 1), floor), colour)
    x = axis + SIZES * place_of(float(np.median(lengths)), *ends)
    pen.line((x, top + 4, x, floor), INK, 2)


def shortened(words: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Words that fit into a column, the end left out where need be.

    Args:
        words: of one line.
        font: that they are written in.
        width: of the column, in pixels.

    Returns:
        The words, or their beginning and an ellipsis.
    """
    if font.getlength(words) <= width:
        return words
    kept = next((k for k in range(len(words), 0, -1) if font.getlength(words[:k] + "…") <= width), 0)
    return words[:kept] + "…"
