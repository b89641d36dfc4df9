"""A signal in strips, one below another, with every object that was found in the colour of its class.

Along each strip, from top to bottom: words beside the objects where there is room, the curve of every channel, coloured
over exactly the samples of the objects' masks, a bar for every object from its start to its end, thinner bars for the
truth if it is given, and the time (or position). DNA has no curve of its own: it is shown by its part of G and C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn.structures import Instances
from maskrcnn.visualize.chips import draw_chip
from maskrcnn.visualize.colors import Color
from maskrcnn.visualize.signal_curves import Curves, curves_of, draw_curves_of_strip, value_ticks
from maskrcnn.visualize.signal_marks import (
    Marks,
    class_color,
    fits,
    legend_entries,
    marks_of,
    place_words,
    rows_of,
    wordings,
)
from maskrcnn.visualize.signal_scale import MINUTE, axis_step, extent_text, multiples, position_text, strip_length

WIDTH = 2000  # pixels of the picture
MARGIN = 28
WORD_SIZE, TEXT_SIZE, TITLE_SIZE = 15, 15, 22  # pixels of the fonts
WORD_ROW = 22
BAR, TRUTH_BAR = 10, 6  # heights of the bars
BARS_GAP = 5  # above each kind of bars
BAR_ROWS = 3  # of bars that overlap; beyond, they share the last
AXIS = 26
BETWEEN = 16  # strips
TICK_GAP = 95  # pixels at least between two words of an axis
INK: Color = (32, 36, 44)
MUTED: Color = (112, 118, 130)
GRID: Color = (226, 230, 236)


class SignalLike(Protocol):
    """What is drawn: ``samples`` float ``[C, T]``, ``rate`` in samples a second, and ``unit`` of the axis."""

    samples: np.ndarray
    rate: float
    channel_names: Sequence[str]
    kind: str  # "wfdb", "audio", "series" or "dna"
    unit: str  # "s", "bp" or "samples"


@dataclass(frozen=True)
class Layout:
    """Sizes of one picture in pixels; ``strip`` is what a strip shows, in samples, ``rate`` samples a unit."""

    left: int
    right: int
    strip: float
    count: int
    rate: float
    unit: str
    channel_height: int
    word_rows: int
    bar_rows: int
    truth_rows: int

    def columns(self, samples: np.ndarray, first: float) -> np.ndarray:
        """Where samples lie along the strip that begins with sample ``first``, in pixels of the picture."""
        return self.left + (samples - first) * (self.right - self.left) / self.strip


def draw_signal(
    signal: SignalLike,
    detections: Instances | None,
    class_names: Sequence[str],
    *,
    truth: Instances | None = None,
    title: str = "",
    value_unit: str = "",
    width: int = WIDTH,
) -> Image.Image:
    """The picture of a recording and of what was found in it.

    Up to 20 s are one strip, up to 2 minutes strips of 10 s, then a strip is a minute, and never more than 30 strips:
    :func:`maskrcnn.visualize.signal_scale.strip_length` says it all. All strips have one scale in either direction; a
    curve is shifted in each so that it fills it. Thousands of objects are told by colour alone; where at least 9 of 10
    have room for it, class and score, or else the class, are written beside them.

    Args:
        signal: of ``[C, T]`` samples; more than 12 channels are drawn as an image, a row each.
        detections: start and end in samples, labels and scores; regions where there are masks.
        class_names: of labels 1..K.
        truth: drawn as a row of thin bars below those of the detections.
        title: the name of the recording.
        value_unit: of the samples, such as mV; written beside the channels' names.
        width: of the picture in pixels.

    Returns:
        An RGB image, as high as it must be.
    """
    curves = curves_of(signal.samples, signal.channel_names, signal.kind, value_unit)
    found, true = marks_of(detections), marks_of(truth)
    layout = _layout(signal, curves, found, true, width, truth is not None)
    words, placed = _choose_words(layout, found, class_names)
    used = max((row + 1 for strip in placed for _, _, row in strip), default=0)
    strip_height = used * WORD_ROW + _trace_height(layout, curves) + _bars_height(layout) + AXIS
    header = _header_height(found, true, class_names, width)
    height = header + layout.count * (strip_height + BETWEEN) - BETWEEN + MARGIN
    canvas = Image.new("RGB", (width, height), "white")
    _draw_header(canvas, signal, found, true, class_names, title)
    for k in range(layout.count):
        top = header + k * (strip_height + BETWEEN)
        _draw_strip(canvas, layout, curves, found, true, k, top + used * WORD_ROW)
        for i, left, row in placed[k]:
            corner = (left, top + (used - 1 - row) * WORD_ROW)
            draw_chip(canvas, corner, words[i], class_color(int(found.labels[i])), _font(WORD_SIZE))
    return canvas


def _layout(signal: SignalLike, curves: Curves, found: Marks, true: Marks, width: int, with_truth: bool) -> Layout:
    rate = signal.rate if signal.unit == "s" else 1.0
    total = signal.samples.shape[-1]
    strip = max(strip_length(max(total, 1) / rate, signal.unit) * rate, 1.0)
    count = max(1, -int(-(total - 1e-6 * strip) // strip))
    names = max((_font(TEXT_SIZE).getlength(name) for name in curves.names), default=0)
    left = round(MARGIN + max(names, _font(TEXT_SIZE).getlength("found")) + 74)
    return Layout(
        left=left,
        right=width - MARGIN,
        strip=strip,
        count=count,
        rate=rate,
        unit=signal.unit,
        channel_height=curves.channel_height(count),
        word_rows=3 if count == 1 else 2,
        bar_rows=_rows_needed(found),
        truth_rows=_rows_needed(true) if with_truth else 0,
    )


def _rows_needed(marks: Marks) -> int:
    rows = rows_of([tuple(box) for box in marks.boxes.tolist()], BAR_ROWS)
    return 1 + max((BAR_ROWS - 1 if row is None else row for row in rows), default=0)


def _choose_words(
    layout: Layout, found: Marks, class_names: Sequence[str]
) -> tuple[list[str], list[list[tuple[int, int, int]]]]:
    """The fullest words for which there is room, and their places in each strip; none where only few have room."""
    shown = [found.within(k * layout.strip, (k + 1) * layout.strip) for k in range(layout.count)]
    frame = (layout.left, layout.right)
    for words in wordings(found, class_names):
        placed = []
        for k, chosen in enumerate(shown):
            spans = layout.columns(found.boxes[chosen], k * layout.strip)
            places = place_words(spans, [words[i] for i in chosen], frame, layout.word_rows, _font(WORD_SIZE))
            placed.append([(int(chosen[i]), left, row) for i, left, row in places])
        if fits(sum(map(len, placed)), sum(map(len, shown))):
            return words, placed
    return [], [[] for _ in shown]


def _trace_height(layout: Layout, curves: Curves) -> int:
    return layout.channel_height * curves.lanes


def _bars_height(layout: Layout) -> int:
    truth = layout.truth_rows * (TRUTH_BAR + 2) + BARS_GAP if layout.truth_rows else 0
    return BARS_GAP + layout.bar_rows * (BAR + 2) + truth


def _draw_strip(
    canvas: Image.Image, layout: Layout, curves: Curves, found: Marks, true: Marks, k: int, top: int
) -> None:
    first = k * layout.strip
    total = curves.values.shape[1]
    right = round(min(layout.columns(np.array(total), first), layout.right)) if total else layout.right
    frame = (layout.left, top, max(right, layout.left + 2), top + _trace_height(layout, curves))
    _draw_position_axis(canvas, layout, frame, first, frame[3] + _bars_height(layout), total)
    last = min(first + layout.strip, max(total, 1))
    shown = found.within(first, last)
    draw_curves_of_strip(canvas, frame, curves, (first, last), found, shown, layout.channel_height)
    _draw_value_axes(canvas, layout, frame, curves, first)
    y = frame[3] + BARS_GAP
    for name, marks, chosen, thickness, count in (
        ("found", found, shown, BAR, layout.bar_rows),
        ("truth", true, true.within(first, last), TRUTH_BAR, layout.truth_rows),
    ):
        if count:
            _draw_bars(canvas, layout, marks, chosen, first, (frame[0], frame[2]), y, thickness, count)
        if count and layout.truth_rows:
            at = (layout.left - 8, y + count * (thickness + 2) / 2 - 1)
            ImageDraw.Draw(canvas).text(at, name, MUTED, _font(TEXT_SIZE - 2), anchor="rm")
        y += count * (thickness + 2) + BARS_GAP


def _draw_bars(
    canvas: Image.Image,
    layout: Layout,
    marks: Marks,
    chosen: np.ndarray,
    first: float,
    frame: tuple[int, int],
    y: int,
    thickness: int,
    count: int,
) -> None:
    """A bar for each object, drawn four times as wide and then reduced, so that ends are as exact as a pixel allows."""
    fine, width = 4, frame[1] - frame[0]
    bars = Image.new("RGB", (width * fine, count * (thickness + 2)), "white")
    pen = ImageDraw.Draw(bars)
    spans = (layout.columns(marks.boxes[chosen], first) - frame[0]) * fine
    rows = rows_of([tuple(span) for span in spans.tolist()], count)
    for i, row, (start, end) in zip(chosen.tolist(), rows, spans.tolist()):
        top = (count - 1 if row is None else row) * (thickness + 2)
        place = (round(start), top, max(round(start) + fine, round(end) - 1 - fine // 2), top + thickness - 1)
        pen.rectangle(place, fill=class_color(int(marks.labels[i])))
    canvas.paste(bars.reduce((fine, 1)), (frame[0], y))


def _draw_position_axis(
    canvas: Image.Image, layout: Layout, frame: tuple[int, int, int, int], first: float, y: int, total: int
) -> None:
    """The frame of a strip, its ticks and, at their lower end, what they stand for."""
    pen, font = ImageDraw.Draw(canvas), _font(TEXT_SIZE - 1)
    extent = total / layout.rate
    least = TICK_GAP * layout.strip / layout.rate / (layout.right - layout.left)
    step = axis_step(least, layout.unit)
    start = first / layout.rate
    stop = min(start + layout.strip / layout.rate, extent)
    for value in multiples(step, start, stop):
        x = float(layout.columns(np.array(value * layout.rate), first))
        pen.line((x, frame[1], x, y), fill=GRID)
        text = position_text(value, step, extent, layout.unit)
        text += f" {layout.unit}" if value < start + step and (extent < MINUTE or layout.unit != "s") else ""
        anchor = "mt" if x + font.getlength(text) / 2 < canvas.width - 4 else "rt"
        pen.text((x if anchor == "mt" else canvas.width - 6, y + 3), text, MUTED, font, anchor=anchor)


def _draw_value_axes(
    canvas: Image.Image, layout: Layout, frame: tuple[int, int, int, int], curves: Curves, first: float
) -> None:
    """Name and round values of each channel on the left of a strip."""
    pen, font = ImageDraw.Draw(canvas), _font(TEXT_SIZE - 2)
    last = first + layout.strip
    for lane in range(curves.lanes):
        top = frame[1] + lane * layout.channel_height
        if lane:
            pen.line((MARGIN, top, frame[0] - 5, top), fill=GRID)
        pen.text((MARGIN, top + layout.channel_height / 2), curves.names[lane], INK, _font(TEXT_SIZE), anchor="lm")
        for y, text in value_ticks(curves, lane, (first, last), layout.channel_height):
            pen.line((frame[0] - 5, top + y, frame[0] - 1, top + y), fill=MUTED)
            pen.text((frame[0] - 9, top + y), text, MUTED, font, anchor="rm")
    pen.line((frame[0] - 1, frame[1], frame[0] - 1, frame[3]), fill=MUTED)


def _legend_places(
    found: Marks, true: Marks, class_names: Sequence[str], width: int
) -> list[tuple[int, str, int, int]]:
    """Label, words, x and row of each entry of the legend, in as many rows as it needs."""
    font, x, row = _font(TEXT_SIZE + 1), MARGIN, 0
    places = []
    for label, text in legend_entries(found, true, class_names):
        size = 26 + round(font.getlength(text))
        if x + size > width - MARGIN and x > MARGIN:
            x, row = MARGIN, row + 1
        places.append((label, text, x, row))
        x += size + 30
    return places


def _header_height(found: Marks, true: Marks, class_names: Sequence[str], width: int) -> int:
    places = _legend_places(found, true, class_names, width)
    return MARGIN + 34 + 28 * (places[-1][3] + 1 if places else 1) + 12


def _draw_header(
    canvas: Image.Image, signal: SignalLike, found: Marks, true: Marks, class_names: Sequence[str], title: str
) -> None:
    pen = ImageDraw.Draw(canvas)
    rate = signal.rate if signal.unit == "s" else 1.0
    facts = [extent_text(signal.samples.shape[-1] / rate, signal.unit)]
    facts += [f"{rate:,.6g} Hz"] if signal.unit == "s" else []
    facts += [f"{len(found.boxes):,} objects" if len(found.boxes) != 1 else "1 object"]
    facts += [f"{len(true.boxes):,} true"] if len(true.boxes) else []
    pen.text((MARGIN, MARGIN), title, INK, _font(TITLE_SIZE), anchor="lt")
    x = MARGIN + (round(_font(TITLE_SIZE).getlength(title)) + 22 if title else 0)
    pen.text((x, MARGIN + 18), "  ·  ".join(facts), MUTED, _font(TEXT_SIZE + 1), anchor="ls")
    places = _legend_places(found, true, class_names, canvas.width)
    for label, text, left, row in places:
        y = MARGIN + 34 + 28 * row
        pen.rounded_rectangle((left, y + 3, left + 16, y + 19), radius=4, fill=class_color(label))
        pen.text((left + 24, y + 11), text, INK, _font(TEXT_SIZE + 1), anchor="lm")
    if not places:
        pen.text((MARGIN, MARGIN + 45), "nothing found", MUTED, _font(TEXT_SIZE + 1), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
