"""The cut of an object on an enlarged or reduced slice: a light tint, a thin outline inside it, or a dashed one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from maskrcnn.drawing.colours import Color
from maskrcnn.masks.outlines import rings
from maskrcnn.masks.self_crossings import signed_area

FINE = 4  # Pillow draws without anti-aliasing: everything is drawn so many times as large
TINY = 4.0  # pixels: the line of a smaller object is not kept inside it


@dataclass(frozen=True)
class Stroke:
    """How an object is drawn.

    Attributes:
        color: of tint and line.
        opacity: of the tint, 0..1.
        width: of the line in pixels.
        dash: lengths of dashes and gaps in pixels; (0, 0) is a whole line. Dashes lie upon the outline, a whole line
            inside it, so that those of two objects that touch are both seen.
    """

    color: Color
    opacity: float = 0.18
    width: float = 1.8
    dash: tuple[float, float] = (0.0, 0.0)


def smooth_outlines(mask: np.ndarray, offset: tuple[int, int] = (0, 0)) -> list[np.ndarray]:
    """The closed outlines ``[n, 2]`` (x, y, continuous) of a boolean mask ``[H, W]``, holes among them,
    moved by ``offset``.

    They follow the middles of the sides between covered and uncovered pixels, so steps become slopes and no point is
    further than half a pixel from the mask's own border. Objects that touch share what is between them.
    """
    return [_without_corners(_middles(np.array(ring, dtype=np.float64) + offset)) for ring in rings(mask)]


def _middles(corners: np.ndarray) -> np.ndarray:
    """Of a walk along whole steps: the middle of the first and of the last step of each straight stretch."""
    ahead = np.roll(corners, -1, axis=0) - corners
    length = np.abs(ahead).sum(axis=1, keepdims=True)
    half = 0.5 * ahead / length
    points = np.stack([corners + half, corners + ahead - half], axis=1)
    single = (length[:, 0] == 1)[:, None] & np.array([False, True])  # its first step is its last
    kept: np.ndarray = points[~single]
    return kept


def _without_corners(points: np.ndarray) -> np.ndarray:
    """Every corner cut a quarter of the way to its neighbours, at most a quarter of a pixel (Chaikin 1974)."""
    ahead = np.roll(points, -1, axis=0) - points
    length = np.linalg.norm(ahead, axis=1, keepdims=True)
    cut = ahead * np.minimum(0.25, 0.25 / length)
    return np.stack([points + cut, points + ahead - cut], axis=1).reshape(-1, 2)


def draw_object(canvas: Image.Image, outlines: list[np.ndarray], stroke: Stroke) -> None:
    """Tint and outline what ``outlines`` (of one object, in pixels of the canvas, holes included)
    enclose.

    Args:
        canvas: RGB; it is changed.
        outlines: of one object, ``[n, 2]`` each, x first, in pixels.
        stroke: colour, width, dashes and how strong the tint is.
    """
    if not outlines:
        return
    points = np.concatenate(outlines)
    margin = 2 + int(np.ceil(stroke.width))
    low = np.floor(points.min(axis=0)).astype(int) - margin
    width, height = (np.ceil(points.max(axis=0)).astype(int) + margin - low).tolist()
    size = (width * FINE, height * FINE)
    fine = [(_thinned(ring) - low) * FINE for ring in outlines]
    corner = (int(low[0]), int(low[1]))
    inside = _filled(size, fine)
    if stroke.opacity:
        canvas.paste(stroke.color, corner, inside.reduce(FINE).point([round(v * stroke.opacity) for v in range(256)]))
    line = Image.new("L", size)
    dashed = stroke.dash[0] > 0
    beside = not dashed and np.ptp(points, axis=0).min() >= TINY
    thickness = round(stroke.width * FINE * (2 if beside else 1))
    for ring in fine:
        for part in dashes(ring, stroke.dash[0] * FINE, stroke.dash[1] * FINE) if dashed else [_closed(ring)]:
            ImageDraw.Draw(line).line([tuple(p) for p in part.tolist()], fill=255, width=thickness, joint="curve")
    if beside:
        line = ImageChops.darker(line, inside)
    canvas.paste(stroke.color, corner, line.reduce(FINE))


def _thinned(ring: np.ndarray) -> np.ndarray:
    """Every k-th point of an outline whose points lie closer than can be seen."""
    step = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1).mean()
    return ring[:: max(1, min(int(0.7 / max(step, 1e-6)), len(ring) // 16))]


def _filled(size: tuple[int, int], outlines: list[np.ndarray]) -> Image.Image:
    """What outlines enclose: larger ones first, so that a hole is cut into its object and an island laid into it."""
    inside = Image.new("L", size)
    areas = [signed_area(ring) for ring in outlines]
    outer = np.sign(max(areas, key=abs))
    for k in sorted(range(len(outlines)), key=lambda k: -abs(areas[k])):
        points = [tuple(p) for p in outlines[k].tolist()]
        ImageDraw.Draw(inside).polygon(points, fill=255 if areas[k] * outer > 0 else 0)
    return inside


def _closed(ring: np.ndarray) -> np.ndarray:
    return np.concatenate([ring, ring[:2]])  # one side twice, for a round joint where it closes


def dashes(ring: np.ndarray, dash: float, gap: float) -> list[np.ndarray]:
    """A closed outline cut into dashes of equal length, as near as may be to ``dash`` and ``gap``
    pixels.

    Args:
        ring: ``[n, 2]``, x first, in pixels; the last point is joined to the first.
        dash: length in pixels.
        gap: length in pixels.

    Returns:
        The points of each dash, ``[m, 2]``.
    """
    closed = np.concatenate([ring, ring[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    count = max(1, round(along[-1] / (dash + gap)))
    period = along[-1] / count
    parts = []
    for k in range(count):
        start, stop = k * period, k * period + period * dash / (dash + gap)
        at = np.concatenate([[start], along[(along > start) & (along < stop)], [stop]])
        parts.append(np.stack([np.interp(at, along, closed[:, 0]), np.interp(at, along, closed[:, 1])], axis=1))
    return parts
