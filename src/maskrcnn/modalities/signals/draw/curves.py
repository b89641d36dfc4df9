"""The channels of a signal as curves of one strip, coloured where objects lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from maskrcnn.drawing.colours import Color, class_color
from maskrcnn.modalities.signals.draw.marks import Marks, line_color
from maskrcnn.modalities.signals.draw.scale import multiples, round_step
from maskrcnn.modalities.signals.draw.trace import (
    FLAT_RANGE,
    HALF_LINE,
    apply_tint,
    clear_tint,
    column_extremes,
    column_means,
    paint_trace,
    tint_columns,
    trace_coverage,
    value_range,
    widen,
)

FINE = 2  # columns and rows for each pixel of the picture: curves are drawn so and then reduced
MOST_LINES = 12  # channels; more are drawn as an image
TRACE: Color = (74, 80, 92)
DARK: Color = (38, 44, 66)  # the highest values where many channels are an image
OPACITY = 0.20  # of the fill over an object's samples
END_OPACITY = 0.55  # of the thin lines at a box's ends
GC_WINDOW = 200  # bases over which the part of G and C is taken
LONGEST_NAME = 14


@dataclass(frozen=True)
class Curves:
    """What is drawn in each strip.

    Attributes:
        values: float ``[C, T]``.
        names: of the lanes, one for each channel, or one for all where they are an image.
        scales: the range of values that a lane shows, ``[lanes]``.
        fixed: low and high end of the lanes if they are the same in each strip, else None.
        image: draw all channels as one image.
    """

    values: np.ndarray
    names: list[str]
    scales: np.ndarray
    fixed: tuple[float, float] | None = None
    image: bool = False

    @property
    def lanes(self) -> int:
        return len(self.names)

    def channel_height(self, strips: int) -> int:
        """Height of a lane in pixels."""
        if strips == 1:
            return max(70, min(260, 640 // self.lanes))
        return max(34, min(92, 150 // self.lanes))


def curves_of(samples: np.ndarray, channel_names: Sequence[str], kind: str, value_unit: str, strip: float) -> Curves:
    """The curves of a recording: its channels, an image of many channels, or the part of G and C in DNA.

    Args:
        samples: ``[C, T]``.
        channel_names: C names.
        kind: of the recording.
        value_unit: of the samples; empty where nobody knows.
        strip: samples that a strip shows.

    Returns:
        The curves, ready to be drawn.
    """
    values = np.asarray(samples)
    if kind == "dna":
        content = gc_content(values, channel_names)
        known = content[np.isfinite(content)]
        tens = np.array([known.min(), known.max()]) / 10 if known.size else np.array([0.0, 10.0])
        ends = (10 * float(np.floor(tens[0])), 10 * float(np.floor(tens[1]) + 1))
        return Curves(content, ["GC %"], np.array([ends[1] - ends[0]]), fixed=ends)
    if len(values) > MOST_LINES:
        return Curves(values, [f"{len(values)} channels"], np.ones(1), image=True)
    names = [name[:LONGEST_NAME] for name in channel_names] or [str(k + 1) for k in range(len(values))]
    names = [f"{name} {value_unit}".strip() for name in names]
    scales = [value_range(channel, strip) for channel in values]
    return Curves(values, names, np.array([scale if scale > FLAT_RANGE else 1.0 for scale in scales]))


def gc_content(samples: np.ndarray, channel_names: Sequence[str]) -> np.ndarray:
    """The percentage of G and C among the known bases around each base, ``[1, T]``.

    Args:
        samples: one-hot ``[4, T]``; a base that nobody knows has no 1, or parts of it, in its column.
        channel_names: ``A``, ``C``, ``G`` and ``T`` in any order; that order if they are not given.
    """
    names = [name.upper() for name in channel_names] or list("ACGT")
    strong = samples[[k for k, name in enumerate(names) if name in ("C", "G")]].sum(axis=0)
    sums = np.cumsum(np.stack([strong, samples.sum(axis=0)]), axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros((2, 1)), sums], axis=1)
    at = np.arange(samples.shape[1])
    low, high = np.maximum(at - GC_WINDOW // 2, 0), np.minimum(at + GC_WINDOW // 2, len(at))
    near = sums[:, high] - sums[:, low]
    return 100 * near[:1] / np.where(near[1:] > 0, near[1:], np.nan)


def lane_range(curves: Curves, lane: int, span: tuple[float, float]) -> tuple[float, float]:
    """The values at the lower and upper end of a lane in the strip that shows samples ``span``.

    Args:
        curves: of the recording.
        lane: which of them.
        span: first sample and the one behind the last.

    Returns:
        The values at its lower and upper end.
    """
    if curves.fixed is not None:
        return curves.fixed
    piece = curves.values[lane, int(span[0]) : int(np.ceil(span[1]))]
    piece = piece[np.isfinite(piece)]
    scale = float(curves.scales[lane]) * 1.08
    if not piece.size:
        return -scale / 2, scale / 2
    low, high = float(piece.min()), float(piece.max())
    if high - low > scale:  # a few samples reach further than the lane: they are cut off, not the rest
        low, high = (float(v) for v in np.quantile(piece, (0.001, 0.999)))
    middle = (low + high) / 2
    return middle - scale / 2, middle + scale / 2


def value_ticks(curves: Curves, lane: int, span: tuple[float, float], height: int) -> list[tuple[float, str]]:
    """Rows, counted from the top of the lane, and words of two or more round values.

    Args:
        curves: of the recording.
        lane: the index of the lane, from the top.
        span: the samples that the strip shows.
        height: of the lane in pixels.

    Returns:
        (pixels from the top of the lane, text) of each; none of channels that are drawn as an
        image.
    """
    if curves.image:
        return []
    low, high = lane_range(curves, lane, span)
    step = round_step((high - low) / max(2.0, height / 22))
    at = multiples(step, low, high)
    rows = (high - at) / (high - low) * height
    return [(float(y), f"{value:.6g}") for y, value in zip(rows, at + 0.0) if 6 <= y <= height - 6]


def draw_curves_of_strip(
    canvas: Image.Image,
    frame: tuple[int, int, int, int],
    curves: Curves,
    span: tuple[float, float],
    marks: Marks,
    shown: np.ndarray,
    channel_height: int,
) -> None:
    """Draw curves and objects into the frame of a strip; what is there already (a grid) shines through.

    Args:
        canvas: the picture.
        frame: left, top, right and bottom in pixels.
        span: the samples that the frame shows.
        curves: of the recording.
        marks: the objects.
        shown: the indices of those that reach into the strip.
        channel_height: pixels of one channel.
    """
    under = canvas.crop(frame).resize(
        ((frame[2] - frame[0]) * FINE, (frame[3] - frame[1]) * FINE), Image.Resampling.NEAREST
    )
    picture = np.asarray(under).astype(np.float32)
    height, width = picture.shape[:2]
    edges = span[0] + (span[1] - span[0]) * np.arange(width + 1) / width
    if curves.image:
        _paint_image(picture, curves.values, edges)
    pixels_each = width / (span[1] - span[0])
    colors = np.tile(np.array(TRACE, dtype=np.float32), (width, 1))
    longest_first = shown[np.argsort(-np.ptp(marks.boxes[shown], axis=1), kind="stable")]
    tint = clear_tint(width)
    for i in longest_first.tolist():
        _paint_object(tint, colors, marks, i, span[0], pixels_each)
    apply_tint(picture, tint)
    for lane in range(0 if curves.image else curves.lanes):
        low, high = lane_range(curves, lane, span)
        window = picture[lane * channel_height * FINE : (lane + 1) * channel_height * FINE]
        lowest, highest = column_extremes(curves.values[lane], edges)
        rows = [(high - value) / (high - low) * len(window) for value in (highest, lowest)]
        paint_trace(window, trace_coverage(*widen(*rows), len(window), HALF_LINE * FINE), colors)
    drawn = Image.fromarray(np.round(picture.clip(0, 255)).astype(np.uint8))
    canvas.paste(drawn.reduce(FINE), frame[:2])


def _paint_object(tint: np.ndarray, colors: np.ndarray, marks: Marks, i: int, first: float, pixels_each: float) -> None:
    """Fill the samples that object ``i`` covers, draw its ends, and give the curve its colour there."""
    label = int(marks.labels[i])
    for start, end in ((marks.cover[i] - first) * pixels_each).tolist():
        tint_columns(tint, (start, end), class_color(label), OPACITY)
        colors[max(round(start), 0) : max(round(end), 0)] = line_color(label)
    for end in ((marks.boxes[i] - first) * pixels_each).tolist():
        thin = min(FINE / 2, 0.1 * pixels_each * float(np.ptp(marks.boxes[i])))  # lest small objects become all ends
        tint_columns(tint, (end - thin, end + thin), line_color(label), END_OPACITY)


def _paint_image(picture: np.ndarray, values: np.ndarray, edges: np.ndarray) -> None:
    """The channels as rows, the first at the bottom; from white to dark between the usual lowest and highest value."""
    means = column_means(values, edges)
    low, high = np.nanquantile(means, (0.02, 0.995))
    part = np.nan_to_num((means - low) / max(high - low, FLAT_RANGE)).clip(0, 1)
    rows = (len(values) - 1 - np.arange(len(picture)) * len(values) // len(picture)).clip(0)
    picture += part[rows][..., None].astype(np.float32) * (np.array(DARK, np.float32) - picture)
