"""Training curves: losses over steps on the left, what the validations measured on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn.drawing.colours import Color

SIZE = (1360, 500)
SUPERSAMPLE = 2  # Pillow draws lines without anti-aliasing
INK: Color = (32, 36, 44)
MUTED: Color = (120, 126, 138)
GRID: Color = (229, 232, 237)
LINES: tuple[Color, ...] = (  # vivid, and dark enough for a white page
    (0, 132, 222),
    (240, 56, 92),
    (0, 168, 112),
    (240, 146, 0),
    (132, 76, 240),
    (0, 176, 190),
    (220, 60, 186),
    (128, 148, 0),
)


@dataclass(frozen=True)
class Series:
    """One line of a chart: x ascending, y of the same length; ``dots`` marks every point."""

    name: str
    x: np.ndarray
    y: np.ndarray
    color: Color
    width: float = 1.6
    dots: bool = False


def draw_curves(log: Sequence[Mapping[str, Any]], size: tuple[int, int] = SIZE) -> Image.Image:
    """The curves of a training.

    Args:
        log: lines of ``log.jsonl``: ``step`` with ``loss`` and ``loss_...`` after a training step, or ``step`` and
            ``epoch`` with ``val/loss``, ``box/AP``, ``mask/AP50`` ... after a validation. Values that are missing,
            None or not finite are left out.
        size: width and height in pixels.

    Returns:
        An RGB image.
    """
    width, height = (SUPERSAMPLE * side for side in size)
    canvas = Image.new("RGB", (width, height), "white")
    _draw_chart(canvas, (0, 0, width // 2, height), "loss", "step", _loss_series(log))
    _draw_chart(canvas, (width // 2, 0, width, height), "average precision", "epoch", _metric_series(log))
    return canvas.reduce(SUPERSAMPLE)


def _loss_series(log: Sequence[Mapping[str, Any]]) -> list[Series]:
    names = list(dict.fromkeys(key for line in log for key in line if key.startswith("loss_")))
    parts = [
        Series(name.removeprefix("loss_").replace("_", " "), *_points(log, "step", name, smooth=True), color)
        for name, color in zip(names, LINES[1:])
    ]
    total = Series("total", *_points(log, "step", "loss", smooth=True), INK, width=2.4)
    validation = Series("validation", *_points(log, "step", "val/loss"), LINES[0], width=2.4, dots=True)
    return [series for series in (total, validation, *parts) if len(series.x)]


def _metric_series(log: Sequence[Mapping[str, Any]]) -> list[Series]:
    names = [f"{kind}/{metric}" for metric in ("AP", "AP50") for kind in ("box", "mask")]
    names += ["semantic/mIoU", "semantic/accuracy"]
    lines = zip(names, LINES, (2.4, 2.4, 1.4, 1.4, 2.4, 1.4))
    chart = [Series(name, *_points(log, "epoch", name), color, width, dots=True) for name, color, width in lines]
    return [series for series in chart if len(series.x)]


def _points(log: Sequence[Mapping[str, Any]], x: str, y: str, smooth: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The points at which both are known; smoothed by a running mean over about a 40th of them."""
    known = [(line[x], line[y]) for line in log if line.get(x) is not None and line.get(y) is not None]
    points = np.array(known, dtype=np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    return points[:, 0], _running_mean(points[:, 1], len(points) // 80) if smooth else points[:, 1]


def _running_mean(values: np.ndarray, reach: int) -> np.ndarray:
    """The mean of each value and up to ``reach`` on either side."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    means: np.ndarray = (total[high] - total[low]) / np.maximum(high - low, 1)
    return means


def _draw_chart(
    canvas: Image.Image, place: tuple[int, int, int, int], title: str, x_name: str, chart: Sequence[Series]
) -> None:
    pen, s = ImageDraw.Draw(canvas), SUPERSAMPLE
    left, top, right, bottom = place
    pen.text((left + 56 * s, top + 18 * s), title, INK, _font(17), anchor="lt")
    legend_bottom = _draw_legend(pen, (left + 56 * s, top + 46 * s), right - 24 * s, chart)
    frame = (left + 56 * s, legend_bottom + 12 * s, right - 28 * s, bottom - 46 * s)
    pen.text(((frame[0] + frame[2]) / 2, bottom - 10 * s), x_name, MUTED, _font(13), anchor="mb")
    if not chart:
        pen.rectangle(frame, outline=GRID, width=s)
        middle = ((frame[0] + frame[2]) / 2, (frame[1] + frame[3]) / 2)
        pen.text(middle, "nothing measured yet", MUTED, _font(15), anchor="mm")
        return
    x_ticks = _ticks(max(series.x[-1] for series in chart), 7, smallest=1.0)
    y_ticks = _ticks(max(_visible_top(series.y) for series in chart), 5)
    _draw_axes(pen, frame, x_ticks, y_ticks)
    for series in reversed(chart):
        _draw_series(canvas, frame, series, x_ticks[-1], y_ticks[-1])


def _visible_top(values: np.ndarray) -> float:
    """The highest value but for the first few of a long series, whose spike would press the rest to the ground."""
    return float(values[min(len(values) // 50, 20) :].max())


def _ticks(top: float, count: int, smallest: float = 0.0) -> list[float]:
    """At most ``count`` + 1 round numbers from 0 to ``top`` or a little more: 1, 2 or 5 times a power of ten apart."""
    top = max(top, 0.01)
    power = 10.0 ** math.floor(math.log10(top / count))
    step = max(smallest, next(power * k for k in (1, 2, 5, 10) if power * k * count >= top * (1 - 1e-9)))
    return [k * step for k in range(max(1, math.ceil(top / step - 1e-9)) + 1)]


def _draw_axes(
    pen: ImageDraw.ImageDraw, frame: tuple[int, int, int, int], x_ticks: list[float], y_ticks: list[float]
) -> None:
    s = SUPERSAMPLE
    left, top, right, bottom = frame
    for value in y_ticks:
        y = bottom - (bottom - top) * value / y_ticks[-1]
        pen.line((left, y, right, y), fill=MUTED if value == 0 else GRID, width=s)
        pen.text((left - 8 * s, y), f"{value:.6g}", MUTED, _font(13), anchor="rm")
    for value in x_ticks:
        x = left + (right - left) * value / x_ticks[-1]
        pen.line((x, bottom, x, bottom + 4 * s), fill=MUTED, width=s)
        pen.text((x, bottom + 8 * s), f"{value:,.6g}", MUTED, _font(13), anchor="mt")


def _draw_series(
    canvas: Image.Image,
    frame: tuple[int, int, int, int],
    series: Series,
    end: float,
    highest: float,
) -> None:
    """Draw one line, cut off at the top of the chart."""
    left, top, right, bottom = frame
    x = left + (right - left) * series.x / end
    y = bottom - (bottom - top) * series.y / highest
    layer = Image.new("L", canvas.size)
    pen = ImageDraw.Draw(layer)
    points = list(zip(x.tolist(), y.tolist()))
    pen.line(points, fill=255, width=round(series.width * SUPERSAMPLE), joint="curve")
    radius = (series.width + 1.2) * SUPERSAMPLE
    for px, py in points if series.dots or len(points) == 1 else ():
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), fill=255)
    reach = math.ceil(radius)
    inside = (left - reach, top, right + reach, bottom + reach)
    canvas.paste(series.color, inside, layer.crop(inside))
    if series.dots:
        _draw_last_value(canvas, points[-1], series, right)


def _draw_last_value(canvas: Image.Image, point: tuple[float, float], series: Series, right: int) -> None:
    s = SUPERSAMPLE
    x, y = min(point[0], right - 4 * s), point[1] - 8 * s
    text = f"{series.y[-1]:.3f}"
    pen = ImageDraw.Draw(canvas)
    pen.text((x, y), text, series.color, _font(12), anchor="rb", stroke_width=2 * s, stroke_fill="white")


def _draw_legend(pen: ImageDraw.ImageDraw, corner: tuple[int, int], right: int, chart: Sequence[Series]) -> int:
    """Names beside strokes of their colours, in as many rows as they need; returns where the legend ends."""
    s, font = SUPERSAMPLE, _font(13)
    x, y = corner
    for series in chart:
        width = 22 * s + round(font.getlength(series.name))
        if x + width > right:
            x, y = corner[0], y + 20 * s
        pen.line((x, y + 8 * s, x + 16 * s, y + 8 * s), fill=series.color, width=3 * s)
        pen.text((x + 22 * s, y + 8 * s), series.name, INK, font, anchor="lm")
        x += width + 16 * s
    return y + 18 * s


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * SUPERSAMPLE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
