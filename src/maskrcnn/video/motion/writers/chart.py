"""Joint angles of one object over time: a row a joint, left and right in the colours of the skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.drawing.colours import Color
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, TITLE_SIZE, font_of
from maskrcnn.video.motion.angles import JointAngle

SUPERSAMPLE = 2  # Pillow draws without anti-aliasing
WIDTH, ROW, GAP, NAMES, AXIS = 1100, 130, 26, 120, 44  # pixels
FULL = 180.0  # degrees of a stretched joint
INK: Color = (32, 36, 44)
MUTED: Color = (110, 116, 128)
GRID: Color = (229, 232, 237)
SIDES: dict[str, Color] = {"left": (240, 110, 0), "right": (0, 140, 220), "": (90, 160, 30)}  # dark enough for white
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # seconds


def draw_angles(times: np.ndarray, angles: np.ndarray, joints: Sequence[JointAngle], title: str) -> Image.Image:
    """Draw the angles of an object.

    Args:
        times: float64 ``[T]``, seconds.
        angles: float64 ``[T, J]``, degrees; lines break where they are not a number.
        joints: the J joints; those whose names differ in ``left`` and ``right`` alone share a row.
        title: above the rows.

    Returns:
        An RGB picture.
    """
    rows: dict[str, list[tuple[str, int]]] = {}
    for j, joint in enumerate(joints):
        side = next((s for s in ("left", "right") if s in joint.name), "")
        name = joint.name.replace(side, "").strip("_- ") if side else joint.name
        rows.setdefault(name.replace("_", " "), []).append((side, j))
    top = MARGIN + TITLE_SIZE + 2 * TEXT_SIZE
    height = top + len(rows) * (ROW + GAP) + 2 * TEXT_SIZE + MARGIN
    canvas = Image.new("RGB", (SUPERSAMPLE * WIDTH, SUPERSAMPLE * height), "white")
    pen = ImageDraw.Draw(canvas)
    _text(pen, (MARGIN, MARGIN), title, "lt", TITLE_SIZE)
    _legend(pen, {side for own in rows.values() for side, _ in own})
    left, right = MARGIN + NAMES + AXIS, WIDTH - MARGIN
    begin, end = float(times[0]), max(float(times[-1]), float(times[0]) + 1e-3)
    bottom = top + len(rows) * (ROW + GAP) - GAP
    for second in _ticks(begin, end):
        x = left + (right - left) * (second - begin) / (end - begin)
        _line(pen, [(x, top), (x, bottom)], GRID, 1)
        _text(pen, (x, bottom + 8), f"{second:g}", "mt", 13, MUTED)
    _text(pen, (right, bottom + 8 + TEXT_SIZE), "seconds", "rt", 13, MUTED)
    for k, (name, own) in enumerate(rows.items()):
        row = top + k * (ROW + GAP)
        _text(pen, (MARGIN + NAMES, row + ROW / 2), name, "rm")
        for degrees in (0, 90, 180):
            y = row + ROW * (1 - degrees / FULL)
            _line(pen, [(left, y), (right, y)], GRID, 1)
            _text(pen, (left - 8, y), f"{degrees}°", "rm", 12, MUTED)
        for side, j in own:
            for part in _stretches(angles[:, j]):
                across = left + (right - left) * (times[part] - begin) / (end - begin)
                down = row + ROW * (1 - angles[part, j] / FULL)
                _line(pen, list(zip(across.tolist(), down.tolist())), SIDES[side], 2)
    return canvas.reduce(SUPERSAMPLE)


def _stretches(values: np.ndarray) -> list[np.ndarray]:
    """Indices of each stretch of numbers."""
    known = np.flatnonzero(~np.isnan(values))
    return [part for part in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(part)]


def _ticks(begin: float, end: float) -> list[float]:
    step = next((tick for tick in TICKS if (end - begin) / tick <= 12), (end - begin) / 10)
    return [round(k * step, 6) for k in range(int(np.ceil(begin / step)), int(end / step + 1e-9) + 1)]


def _legend(pen: ImageDraw.ImageDraw, sides: set[str]) -> None:
    x = float(WIDTH - MARGIN)
    for side in ("right", "left"):
        if side in sides:
            _text(pen, (x, MARGIN + 4), side, "rt", TEXT_SIZE, SIDES[side])
            x -= font_of(TEXT_SIZE).getlength(side) + 20


def _text(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    anchor: str,
    size: int = TEXT_SIZE,
    ink: Color = INK,
) -> None:
    x, y = (SUPERSAMPLE * side for side in place)
    pen.text((x, y), words, ink, font_of(SUPERSAMPLE * size), anchor=anchor)


def _line(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], ink: Color, width: float) -> None:
    scaled = [(SUPERSAMPLE * x, SUPERSAMPLE * y) for x, y in points]
    if len(scaled) == 1:
        (x, y), reach = scaled[0], SUPERSAMPLE * width
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), ink)
    else:
        pen.line(scaled, ink, round(SUPERSAMPLE * width), joint="curve")
