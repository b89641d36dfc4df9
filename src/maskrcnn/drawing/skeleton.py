"""Keypoints as dots, joined by the limbs of a skeleton: left, right and middle in colours of their own.

Every line and dot is painted through the exact distance to it, so that edges are smooth at any width, and on a window
of its own, so that a large photo costs no second copy of itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskrcnn.drawing.colours import BLACK, WHITE, Color

LEFT: Color = (255, 138, 42)  # of the object, as its data set has it: the left arm of a person who looks at us is right
RIGHT: Color = (52, 190, 255)
MIDDLE: Color = (176, 240, 92)
RIM_OPACITY = 0.62

Point = np.ndarray  # [2], x and y in pixels of the canvas


def draw_skeleton(
    canvas: Image.Image,
    keypoints: np.ndarray,
    extent: Sequence[float],
    skeleton: Sequence[tuple[int, int]] = (),
    keypoint_names: Sequence[str] = (),
    threshold: float = 0.3,
) -> None:
    """Draw the points of one object and the limbs between them.

    Args:
        canvas: RGB, drawn upon.
        keypoints: ``[P, 3]``: x, y in pixels of the canvas, score (or visibility).
        extent: width and height of the object, from which the width of the lines follows.
        skeleton: pairs of points, counted from 0; a limb is drawn if both its ends are.
        keypoint_names: of the P points, by which left and right are told; without them all is in one colour.
        threshold: points with a lower score are left out.
    """
    known = keypoints[:, 2] >= threshold
    points = keypoints[:, :2].astype(np.float64)
    colors = point_colors(keypoint_names, len(points))
    width = line_width(extent, canvas.size)
    limbs = [(a, b) for a, b in skeleton if max(a, b) < len(points) and known[a] and known[b]]
    limbs.sort(key=lambda limb: MIDDLE in (colors[limb[0]], colors[limb[1]]), reverse=True)  # arms over the trunk
    thickness = [min(width, max(1.0, 0.4 * math.dist(points[a], points[b]))) for a, b in limbs]
    rim = max(0.8, 0.3 * width)
    for (a, b), thick in zip(limbs, thickness):
        paint_line(canvas, points[a], points[b], thick + 2 * rim * thick / width, BLACK, RIM_OPACITY)
    for (a, b), thick in zip(limbs, thickness):
        paint_line(canvas, points[a], points[b], thick, limb_color(colors[a], colors[b]))
    for k, radius in zip(np.flatnonzero(known), dot_radii(points[known], 0.95 * width)):
        if radius < 1:
            continue
        paint_line(canvas, points[k], points[k], 2 * radius + 1.4 * rim, BLACK, 0.8)
        paint_line(canvas, points[k], points[k], 2 * radius, WHITE)
        paint_line(canvas, points[k], points[k], 1.5 * radius, colors[k])


def line_width(extent: Sequence[float], canvas_size: Sequence[int]) -> float:
    """Of a limb, in pixels: with the size of the object, within what can be seen and does not hide."""
    thickest = max(3.0, 0.009 * math.sqrt(canvas_size[0] * canvas_size[1]))
    return min(max(1.4, 0.022 * math.hypot(*extent)), thickest)


def point_colors(keypoint_names: Sequence[str], count: int) -> list[Color]:
    """The colour of each point, by ``left`` and ``right`` in its name."""
    if len(keypoint_names) != count:
        return [MIDDLE] * count
    return [LEFT if "left" in name else RIGHT if "right" in name else MIDDLE for name in keypoint_names]


def limb_color(a: Color, b: Color) -> Color:
    """Between points of one side that side's; across, or from the middle outwards, the middle's or the outer's."""
    if a == b:
        return a
    if MIDDLE in (a, b):
        return b if a == MIDDLE else a
    return MIDDLE


def dot_radii(points: np.ndarray, largest: float) -> list[float]:
    """For points ``[P, 2]``: ``largest``, or less where two dots would run into one (eyes of a distant face)."""
    gaps = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(gaps, np.inf)
    nearest = gaps.min(axis=1, initial=np.inf)
    radii: list[float] = np.minimum(largest, 0.36 * nearest).tolist()
    return radii


def paint_line(canvas: Image.Image, a: Point, b: Point, width: float, color: Color, opacity: float = 1.0) -> None:
    """Paint a line with round ends, or a disc where both ends are one point; what lies outside the
    canvas is left out.

    Args:
        canvas: RGB, is painted on.
        a: one end, x and y in pixels.
        b: the other end.
        width: of the line, in pixels.
        color: of the line.
        opacity: 0..1.
    """
    reach = width / 2 + 1
    low = np.maximum(np.floor(np.minimum(a, b) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(a, b) + reach), canvas.size).astype(int)
    if (high <= low).any():
        return
    y, x = np.ogrid[low[1] : high[1], low[0] : high[0]]
    x, y = x + 0.5 - a[0], y + 0.5 - a[1]  # of pixel centres, as seen from a
    dx, dy = b - a
    length = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length, 0, 1) if length > 0 else np.zeros((1, 1))
    distance = np.hypot(x - along * dx, y - along * dy)
    cover = np.clip(width / 2 + 0.5 - distance, 0, min(1.0, width)) * opacity
    canvas.paste(color, tuple(low.tolist()), Image.fromarray(np.round(255 * cover).astype(np.uint8)))
