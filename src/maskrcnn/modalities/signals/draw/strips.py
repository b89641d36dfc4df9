"""A signal in strips, one below another, with every object that was found in the colour of its class.

Along each strip, from top to bottom: words beside the objects where there is room, the curve of every channel, coloured
over exactly the samples of the objects' masks, a bar for every object from its start to its end, thinner bars for the
truth if it is given, and the time (or position). DNA has no curve of its own: it is shown by its part of G and C.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.drawing.chips import draw_chip
from maskrcnn.drawing.colours import class_color
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, TITLE_SIZE, font_of
from maskrcnn.modalities.signals.draw.curves import Curves, curves_of, draw_curves_of_strip, value_ticks
from maskrcnn.modalities.signals.draw.layout import (
    AXIS,
    BAR,
    BARS_GAP,
    BETWEEN,
    GRID,
    INK,
    MUTED,
    TICK_GAP,
    TRUTH_BAR,
    WIDTH,
    WORD_ROW,
    WORD_SIZE,
    Layout,
    SignalLike,
    bars_height,
    choose_words,
    lay_out,
    rate_of,
    samples_of_strip,
    trace_height,
)
from maskrcnn.modalities.signals.draw.marks import Marks, legend_entries, marks_of, rows_of
from maskrcnn.modalities.signals.draw.scale import MINUTE, axis_step, extent_text, multiples, position_text
from maskrcnn.structures import Instances


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
    ``strip_length`` in ``scale.py`` says it all. All strips have one scale in either direction; a curve
    is shifted in each so that it fills it. Thousands of objects are told by colour alone; where at least 9 of 10
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
    return next(draw_pages(signal, detections, class_names, Paper(title, value_unit, width), truth))


@dataclass(frozen=True)
class Paper:
    """What a recording is drawn on.

    Attributes:
        title: the name of the recording.
        value_unit: of the samples, such as mV; written beside the channels' names.
        width: of the picture in pixels.
        extent: seconds that a page shows at most; None, or positions that are no seconds: all on one.
    """

    title: str = ""
    value_unit: str = ""
    width: int = WIDTH
    extent: float | None = None


def draw_pages(
    signal: SignalLike,
    detections: Instances | None,
    class_names: Sequence[str],
    paper: Paper,
    truth: Instances | None = None,
) -> Iterator[Image.Image]:
    """The pictures of a recording, one after another, see :func:`draw_signal`.

    Args:
        signal: of ``[C, T]`` samples.
        detections: start and end in samples, labels and scores; regions where there are masks.
        class_names: of labels 1..K.
        paper: how much a page shows, and what stands above it.
        truth: drawn as a row of thin bars below those of the detections.

    Yields:
        Pages of whole strips, which are those of a recording as long as a page; each counts the objects of all pages.
    """
    extent = paper.extent if signal.unit == "s" else None
    strip = samples_of_strip(signal, extent)
    curves = curves_of(np.asarray(signal.samples), signal.channel_names, signal.kind, paper.value_unit, strip)
    found, true = marks_of(detections), marks_of(truth)
    layout = lay_out(signal, curves, (found, true), paper.width, truth is not None, extent)
    words, placed = choose_words(layout, found, class_names)
    used = max((row + 1 for strip in placed for _, _, row in strip), default=0)
    strip_height = used * WORD_ROW + trace_height(layout, curves) + bars_height(layout) + AXIS
    header = _header_height(found, true, class_names, paper.width)
    for first in range(0, layout.count, layout.on_page):
        strips = range(first, min(first + layout.on_page, layout.count))
        height = header + len(strips) * (strip_height + BETWEEN) - BETWEEN + MARGIN
        canvas = Image.new("RGB", (paper.width, height), "white")
        number = f"page {first // layout.on_page + 1} of {layout.pages}" if layout.pages > 1 else ""
        _draw_header(canvas, signal, (found, true), class_names, paper.title, number)
        for k in strips:
            top = header + (k - first) * (strip_height + BETWEEN)
            _draw_strip(canvas, layout, curves, found, true, k, top + used * WORD_ROW)
            for i, left, row in placed[k]:
                corner = (left, top + (used - 1 - row) * WORD_ROW)
                draw_chip(canvas, corner, words[i], class_color(int(found.labels[i])), font_of(WORD_SIZE))
        yield canvas


def _draw_strip(
    canvas: Image.Image, layout: Layout, curves: Curves, found: Marks, true: Marks, k: int, top: int
) -> None:
    first = k * layout.strip
    total = curves.values.shape[1]
    right = round(min(float(layout.columns(np.array(total), first)), layout.right)) if total else layout.right
    frame = (layout.left, top, max(right, layout.left + 2), top + trace_height(layout, curves))
    _draw_position_axis(canvas, layout, frame, first, frame[3] + bars_height(layout), total)
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
            ImageDraw.Draw(canvas).text(at, name, MUTED, font_of(TEXT_SIZE - 2), anchor="rm")
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
    pen, font = ImageDraw.Draw(canvas), font_of(TEXT_SIZE - 1)
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
        pen.text((x if anchor == "mt" else canvas.width - 6, y + 6), text, MUTED, font, anchor=anchor)


def _draw_value_axes(
    canvas: Image.Image, layout: Layout, frame: tuple[int, int, int, int], curves: Curves, first: float
) -> None:
    """Name and round values of each channel on the left of a strip."""
    pen, font = ImageDraw.Draw(canvas), font_of(TEXT_SIZE - 2)
    last = first + layout.strip
    for lane in range(curves.lanes):
        top = frame[1] + lane * layout.channel_height
        if lane:
            pen.line((MARGIN, top, frame[0] - 5, top), fill=GRID)
        pen.text((MARGIN, top + layout.channel_height / 2), curves.names[lane], INK, font_of(TEXT_SIZE), anchor="lm")
        for y, text in value_ticks(curves, lane, (first, last), layout.channel_height):
            pen.line((frame[0] - 5, top + y, frame[0] - 1, top + y), fill=MUTED)
            pen.text((frame[0] - 9, top + y), text, MUTED, font, anchor="rm")
    pen.line((frame[0] - 1, frame[1], frame[0] - 1, frame[3]), fill=MUTED)


def _legend_places(
    found: Marks, true: Marks, class_names: Sequence[str], width: int
) -> list[tuple[int, str, int, int]]:
    """Label, words, x and row of each entry of the legend, in as many rows as it needs."""
    font, x, row = font_of(TEXT_SIZE + 1), MARGIN, 0
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
    canvas: Image.Image,
    signal: SignalLike,
    marks: tuple[Marks, Marks],
    class_names: Sequence[str],
    title: str,
    number: str,
) -> None:
    found, true = marks
    pen = ImageDraw.Draw(canvas)
    rate = rate_of(signal)
    facts = [extent_text(signal.samples.shape[-1] / rate, signal.unit)]
    facts += [f"{rate:,.6g} Hz"] if signal.unit == "s" else []
    facts += [f"{len(found.boxes):,} objects" if len(found.boxes) != 1 else "1 object"]
    facts += [f"{len(true.boxes):,} true"] if len(true.boxes) else []
    facts += [number] if number else []
    pen.text((MARGIN, MARGIN), title, INK, font_of(TITLE_SIZE), anchor="lt")
    x = MARGIN + (round(font_of(TITLE_SIZE).getlength(title)) + 22 if title else 0)
    pen.text((x, MARGIN + 18), "  ·  ".join(facts), MUTED, font_of(TEXT_SIZE + 1), anchor="ls")
    places = _legend_places(found, true, class_names, canvas.width)
    for label, text, left, row in places:
        y = MARGIN + 34 + 28 * row
        pen.rounded_rectangle((left, y + 3, left + 16, y + 19), radius=4, fill=class_color(label))
        pen.text((left + 24, y + 11), text, INK, font_of(TEXT_SIZE + 1), anchor="lm")
    if not places:
        pen.text((MARGIN, MARGIN + 45), "nothing found", MUTED, font_of(TEXT_SIZE + 1), anchor="lm")
