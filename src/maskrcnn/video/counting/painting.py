"""Lines and zones over a picture, each with what is counted at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.drawing.chips import chip_size, draw_chip, place_font
from maskrcnn.drawing.colours import BLACK, WHITE, Color
from maskrcnn.drawing.skeleton import paint_line
from maskrcnn.video.counting.places import Line, Place

GROUND: Color = (24, 26, 31)  # of the words
OPACITY = 46  # of 255: a zone's fill
ARROW = 0.05  # of the picture's shorter side: the length of what shows where in is


def paint_places(canvas: Image.Image, places: Iterable[tuple[Place, Mapping[str, int]]], scale: float = 1.0) -> None:
    """Draw lines and zones, the arrow of a line pointing to where in is.

    Args:
        canvas: RGB, drawn upon.
        places: each with its counts, as :meth:`Counter.now` has them.
        scale: how many times larger the canvas is than the frame in whose pixels places are given.
    """
    width = max(2.0, 0.004 * (canvas.width * canvas.height) ** 0.5)
    taken: list[tuple[int, int, int, int]] = []
    for place, counts in places:
        points = place.points * scale
        if not isinstance(place, Line):
            _fill(canvas, points)
        edges = [(points[0], points[1])] if isinstance(place, Line) else list(zip(points, np.roll(points, -1, 0)))
        if isinstance(place, Line):
            edges += _arrow(points, ARROW * min(canvas.size))
        for thick, color, opacity in ((2 * width, BLACK, 0.6), (width, WHITE, 1.0)):
            for a, b in edges:
                paint_line(canvas, a, b, thick, color, opacity)
        words = "  ".join([place.name, *(f"{name} {count}" for name, count in counts.items())])
        _write(canvas, points, words, taken)


def _fill(canvas: Image.Image, points: np.ndarray) -> None:
    cover = Image.new("L", canvas.size)
    ImageDraw.Draw(cover).polygon([(x, y) for x, y in points.tolist()], fill=OPACITY)
    canvas.paste(WHITE, (0, 0), cover)


def _arrow(points: np.ndarray, long: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """The strokes of an arrow from the middle of a line to its right."""
    along = points[1] - points[0]
    along = along / np.hypot(*along)
    across = np.array([-along[1], along[0]])
    middle = points.mean(0)
    tip = middle + long * across
    barbs = [tip + 0.35 * long * (sign * along - across) for sign in (-1, 1)]
    return [(middle, tip), *((tip, barb) for barb in barbs)]


def _write(canvas: Image.Image, points: np.ndarray, words: str, taken: list[tuple[int, int, int, int]]) -> None:
    """The words at the first end or corner, moved into the picture and below those that are there already."""
    font = place_font(canvas.size)
    width, height = chip_size(words, font)
    gap = height // 3
    x, y = (int(round(c)) + gap for c in points[0].tolist())
    x = min(max(x, gap), max(canvas.width - width - gap, 0))
    y = min(max(y, gap), max(canvas.height - height - gap, 0))
    for left, top, right, bottom in sorted(taken, key=lambda box: box[1]):
        if x < right and left < x + width and y < bottom and top < y + height:
            y = bottom + gap // 2
    taken.append((x, y, x + width, y + height))
    draw_chip(canvas, (x, y), words, GROUND, font)
