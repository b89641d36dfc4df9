"""Vivid colours for objects, given so that neighbours can be told apart."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

Color = tuple[int, int, int]  # red, green, blue, 0..255

PALETTE: tuple[Color, ...] = (
    (0, 178, 255),  # sky: first, because it stands off from skin, wood, grass and stone
    (255, 56, 92),  # rose
    (255, 190, 0),  # amber
    (140, 82, 255),  # violet
    (0, 214, 132),  # emerald
    (255, 122, 26),  # orange
    (255, 82, 214),  # pink
    (40, 110, 255),  # blue
    (178, 232, 0),  # lime
    (0, 218, 206),  # teal
    (196, 64, 255),  # purple
    (255, 226, 64),  # lemon
)
BLACK: Color = (16, 18, 22)
WHITE: Color = (255, 255, 255)
OTHERS: Color = (150, 156, 168)  # an object of no class

# sRGB to cone responses, and their cube roots to OKLab (Ottosson 2020), in which distances are as the eye sees them.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def to_linear(colors: np.ndarray) -> np.ndarray:
    """sRGB 0..255 to linear light 0..1, any shape."""
    s = np.asarray(colors, dtype=np.float64) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def to_oklab(colors: np.ndarray) -> np.ndarray:
    """sRGB 0..255 ``[..., 3]`` to OKLab ``[..., 3]``."""
    lab: np.ndarray = np.cbrt(to_linear(colors) @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """OKLab ``[..., 3]`` to sRGB 0..255, uint8 ``[..., 3]``; what a screen cannot show is clipped."""
    linear = (np.asarray(lab) @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    linear = linear.clip(0, 1)
    s = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * s).astype(np.uint8)


def text_color(background: Color) -> Color:
    """White where it contrasts enough with ``background``, which is calmer to read on a vivid colour; else black."""
    luminance = float(to_linear(np.array(background)) @ [0.2126, 0.7152, 0.0722])
    white_contrast = 1.05 / (luminance + 0.05)  # WCAG's ratio, which asks for 3 of large or bold text
    return WHITE if white_contrast >= 3 else BLACK


def assign_colors(boxes: np.ndarray) -> list[Color]:
    """A palette colour for each box ``[N, 2D]``, as unlike those of its neighbours as can be.

    Boxes choose one after another, so that the colours of the first do not depend on the later ones' colours. In a
    crowd each looks at those in its own cell of a grid and in the cells around it only.
    """
    lab = to_oklab(np.array(PALETTE))
    alike = np.exp(-(np.linalg.norm(lab[:, None] - lab, axis=-1) ** 2) / 0.02)
    low, high = np.split(np.asarray(boxes, dtype=np.float64), 2, axis=1)
    centers, sizes = (low + high) / 2, np.linalg.norm(high - low, axis=1) + 1
    cells, around = _grid(centers)
    seen: dict[tuple[int, ...], list[int]] = defaultdict(list)
    chosen = np.zeros(len(boxes), dtype=np.int64)
    for i in range(len(boxes)):
        near = [j for step in around for j in seen.get(tuple((cells[i] + step).tolist()), ())]
        nearness = np.exp(-np.linalg.norm(centers[near] - centers[i], axis=1) / (sizes[near] + sizes[i]))
        chosen[i] = np.argmin(alike[:, chosen[near]] @ (nearness + 0.02))
        seen[tuple(cells[i].tolist())].append(i)
    return [PALETTE[k] for k in chosen]


def _grid(centers: np.ndarray, crowd: int = 500, in_cell: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """The cell of each center ``[N, D]`` (one cell for up to ``crowd``), and the steps to a cell's neighbours."""
    ndim = centers.shape[1]
    if len(centers) <= crowd:
        return np.zeros(centers.shape, dtype=np.int64), np.zeros((1, ndim), dtype=np.int64)
    first = centers.min(axis=0)
    side = ((centers.max(axis=0) - first + 1).prod() * in_cell / len(centers)) ** (1 / ndim)
    steps = np.array(list(np.ndindex(*(3,) * ndim))) - 1
    return ((centers - first) // side).astype(np.int64), steps


def class_color(label: int) -> Color:
    """The fill of class ``label`` (1..K); grey for an object of no class."""
    return PALETTE[(label - 1) % len(PALETTE)] if label > 0 else OTHERS
