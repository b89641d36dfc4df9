"""Where an object has been: a line that fades the older it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskrcnn.drawing.colours import BLACK, Color
from maskrcnn.drawing.skeleton import paint_line

RIM = 0.45  # opacity of what sets the line off, as part of the line's own
STRONGEST = 0.95


def draw_trail(
    canvas: Image.Image,
    places: np.ndarray | Sequence[Sequence[float]],
    fresh: Sequence[float],
    color: Color,
    width: float,
) -> None:
    """Draw the way of one object.

    Args:
        canvas: RGB, drawn upon.
        places: ``[P, 2]``, x and y in pixels of the canvas, the oldest first.
        fresh: of each place, 0 (about to be forgotten) .. 1 (now).
        color: of the line.
        width: of the line where it is newest, in pixels.
    """
    points = np.asarray(places, np.float64).reshape(-1, 2)
    for k in range(1, len(points)):
        strength = STRONGEST * float(fresh[k])
        own = max(1.2, width * (0.4 + 0.6 * float(fresh[k])))
        paint_line(canvas, points[k - 1], points[k], own + 1.6, BLACK, RIM * strength)
        paint_line(canvas, points[k - 1], points[k], own, color, strength)
