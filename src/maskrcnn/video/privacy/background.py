"""Objects alone: what no object covers is one colour, or transparent."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from maskrcnn.drawing.colours import Color
from maskrcnn.video.frames import TrackedFrame

GREEN: Color = (0, 177, 64)  # what is keyed out as a rule, and rare in skin, hair and clothes
SOFT = 0.8  # pixels: the standard deviation by which edges are softened


def cover(frame: TrackedFrame) -> np.ndarray:
    """How much of each pixel its objects cover, uint8 ``[H, W]``, 255: all; boxes where there are no masks. An object
    that is not confirmed yet is covered too, since it may be the beginning of one."""
    height, width = frame.image.shape[:2]
    covered = Image.new("L", (width, height))
    regions = frame.objects.regions
    for i, box in enumerate(frame.objects.boxes.tolist()):
        if regions is None:
            x1, y1, x2, y2 = (round(side) for side in box)
            covered.paste(255, (x1, y1, max(x2, x1), max(y2, y1)))
        elif (window := regions.window(i)).size:
            top, left = regions.offsets[i].tolist()
            mask = Image.fromarray(window.view(np.uint8) * 255)
            covered.paste(255, (left, top), mask)
    return np.asarray(covered.filter(ImageFilter.GaussianBlur(SOFT)))


def on_colour(image: np.ndarray, covered: np.ndarray, colour: Color) -> np.ndarray:
    """An image whose background is one colour.

    Args:
        image: uint8 ``[H, W, 3]``.
        covered: uint8 ``[H, W]``, see :func:`cover`.
        colour: of the background.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    part = covered[..., None].astype(np.uint16)
    mixed = (image * part + np.array(colour, np.uint16) * (255 - part) + 127) // 255
    return mixed.astype(np.uint8)
