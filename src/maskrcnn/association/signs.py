"""Colours of values with a sign: cool below 0, warm above, lighter the farther from it."""

from __future__ import annotations

import numpy as np

from maskrcnn.drawing.colours import from_oklab

# Lightness, chroma and hue (degrees) of OKLab from 0 to 1, of either sign; equal steps look equal.
WARM = ((0.55, 0.20, 27.0), (0.72, 0.18, 55.0), (0.93, 0.16, 105.0))
COOL = ((0.50, 0.17, 265.0), (0.68, 0.15, 240.0), (0.92, 0.09, 200.0))


def colours_of_signs(values: np.ndarray) -> np.ndarray:
    """Colours of values from -1 to 1, what is beyond being clipped.

    Args:
        values: any shape.

    Returns:
        uint8 ``[*shape, 3]``, sRGB.
    """
    wide = np.asarray(values, dtype=np.float64)
    size = np.abs(wide).clip(0, 1)
    warm, cool = _along(size, WARM), _along(size, COOL)
    return np.where((wide >= 0)[..., None], warm, cool).astype(np.uint8)


def _along(size: np.ndarray, stops: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    places = np.linspace(0, 1, len(stops))
    lightness, chroma, hue = (np.interp(size, places, values) for values in zip(*stops))
    angle = np.deg2rad(hue)
    return from_oklab(np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1))
