"""Charts as inline SVG, drawn with classes instead of colours so that the page's style sheet decides how they look in
light and in dark.

Classes: ``axis grid tick label`` for the frame, ``line``, ``bar`` and ``dot`` for what is shown, together with one of
``good bad calm`` or ``s0 s1 s2`` for which of them it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

LEFT, BOTTOM, TOP, RIGHT = 56, 40, 10, 12  # margins of a chart, in its own units
ROW, BAR = 30, 18  # heights of a row of bars and of the bar in it
NAMES, NUMBERS = 236, 90  # widths beside bars


@dataclass(frozen=True)
class Line:
    """Points of a line chart, 0..1 each way, in order; ``kind`` is a class of the style sheet."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    kind: str
    dots: bool = False


@dataclass(frozen=True)
class Step:
    """A row of bars: from ``start`` to ``stop``, with what stands beside it."""

    name: str
    start: float
    stop: float
    text: str
    kind: str


def line_chart(
    lines: Sequence[Line], x_label: str, y_label: str, title: str, width: int = 340, height: int = 280
) -> str:
    """Draw lines over the unit square, with a legend below where there are several.

    Args:
        lines: to draw.
        x_label: below the chart.
        y_label: beside it.
        title: for those who hear the page read.
        width: pixels.
        height: pixels.

    Returns:
        The SVG.
    """
    plot = _Plot(width, height)
    rows = 1 if len(lines) > 1 else 0
    parts = [plot.frame(x_label, y_label)]
    for line in lines:
        path = " ".join(f"{plot.x(a):.1f},{plot.y(b):.1f}" for a, b in zip(line.x, line.y))
        parts.append(f'<polyline class="line {line.kind}" points="{path}"/>')
        if line.dots:
            dots = (f'<circle cx="{plot.x(a):.1f}" cy="{plot.y(b):.1f}" r="3.5"/>' for a, b in zip(line.x, line.y))
            parts.append(f'<g class="dot {line.kind}">{"".join(dots)}</g>')
    x = float(LEFT)
    for line in lines if rows else ():
        y = height + 10
        parts.append(f'<line class="line {line.kind}" x1="{x:.0f}" y1="{y}" x2="{x + 22:.0f}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{x + 28:.0f}" y="{y + 4}">{escape(line.name)}</text>')
        x += 46 + 7.2 * len(line.name)
    return _svg(width, height + 24 * rows, title, parts)


def spark_line(x: Sequence[float], y: Sequence[float], title: str, width: int = 92, height: int = 26) -> str:
    """Draw a curve over the unit square as large as a word, with the square's floor.

    Args:
        x: of its points, 0..1.
        y: of its points, 0..1.
        title: for those who hear the page read.
        width: pixels.
        height: pixels.

    Returns:
        The SVG.
    """
    inner = height - 4
    path = " ".join(f"{2 + a * (width - 4):.1f},{2 + (1 - b) * inner:.1f}" for a, b in zip(x, y))
    floor = f'<line class="grid" x1="2" y1="{height - 2}" x2="{width - 2}" y2="{height - 2}"/>'
    return _svg(width, height, title, [floor, f'<polyline class="line s0" points="{path}"/>'], fixed=True)


def bars(steps: Sequence[Step], title: str, width: int = 760, most: float = 1e-9) -> str:
    """Draw a row for each step: its name, its bar on a common scale, its number.

    Args:
        steps: from top to bottom.
        title: for those who hear the page read.
        width: pixels.
        most: the scale reaches from 0 to at least this.

    Returns:
        The SVG.
    """
    largest = max([step.stop for step in steps] + [step.start for step in steps] + [most])
    scale = (width - NAMES - NUMBERS) / largest
    parts = []
    for row, step in enumerate(steps):
        middle = row * ROW + ROW / 2
        low, high = sorted((step.start, step.stop))
        x, length = NAMES + low * scale, max((high - low) * scale, 1.5)
        parts.append(f'<text class="label" x="{NAMES - 12}" y="{middle + 4:.0f}">{escape(step.name)}</text>')
        parts.append(
            f'<rect class="bar {step.kind}" x="{x:.1f}" y="{middle - BAR / 2:.1f}" width="{length:.1f}" height="{BAR}" '
            'rx="2"/>'
        )
        parts.append(f'<text class="tick" x="{x + length + 8:.1f}" y="{middle + 4:.0f}">{escape(step.text)}</text>')
        if row + 1 < len(steps) and step.kind != "calm":
            drop = NAMES + step.start * scale if step.start < step.stop else NAMES + step.stop * scale
            parts.append(
                f'<line class="grid" x1="{drop:.1f}" y1="{middle + BAR / 2:.1f}" x2="{drop:.1f}" '
                f'y2="{middle + ROW - BAR / 2:.1f}"/>'
            )
    return _svg(width, ROW * len(steps), title, parts)


def waterfall(total: Step, losses: Sequence[tuple[str, int]], rest: str, unit: str) -> str:
    """Draw a waterfall: from a total through what is lost, cause by cause, down to the rest.

    Args:
        total: the first bar.
        losses: causes with their numbers.
        rest: the name of the last bar.
        unit: of the numbers, in the plural.

    Returns:
        The SVG.
    """
    left = total.stop
    steps = [total]
    for name, count in losses:
        steps.append(Step(name, left - count, left, f"−{count:,}", "bad"))
        left -= count
    steps.append(Step(rest, 0, left, f"{left:,.0f}", "good"))
    return bars(steps, f"Of {total.text} {unit}, how many were lost in each step")


class _Plot:
    """The unit square on a chart of ``width`` by ``height``."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def x(self, value: float) -> float:
        return LEFT + float(np.clip(value, 0, 1)) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.height - BOTTOM - float(np.clip(value, 0, 1)) * (self.height - TOP - BOTTOM)

    def frame(self, x_label: str, y_label: str) -> str:
        parts = []
        for value in (0.0, 0.25, 0.5, 0.75, 1.0):
            x, y = self.x(value), self.y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{self.width - RIGHT}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick end" x="{LEFT - 7}" y="{y + 4:.1f}">{value:g}</text>')
            parts.append(f'<text class="tick middle" x="{x:.1f}" y="{self.height - BOTTOM + 16}">{value:g}</text>')
        middle = (self.y(0) + self.y(1)) / 2
        across, turned = (self.x(0) + self.x(1)) / 2, f"translate(11 {middle:.1f}) rotate(-90)"
        parts.append(f'<text class="axis middle" x="{across:.1f}" y="{self.height - 6}">{escape(x_label)}</text>')
        parts.append(f'<text class="axis middle" transform="{turned}">{escape(y_label)}</text>')
        return "".join(parts)


def _svg(width: int, height: float, title: str, parts: Sequence[str], fixed: bool = False) -> str:
    size = f' width="{width}" height="{height:.0f}"' if fixed else ""
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}"{size} style="max-width:{width}px" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
