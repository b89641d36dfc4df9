"""Parts of a surface in colours over a picture, lines of equal u and v, or a texture instead of both."""

from __future__ import annotations

import colorsys
import math

import numpy as np

from maskrcnn.surfaces.maps import SurfaceMaps

STRENGTH = 0.6  # of the colours over the picture
LINES = 4  # steps of u, and of v, between lines
ROWS = 6  # tiles of a texture below each other: DensePose's atlas has 24 in four columns of six
TURN = 0.381966  # the golden angle as a part of a circle: neighbours in number are far apart in colour


def draw_surface(image: np.ndarray, found: SurfaceMaps, texture: np.ndarray | None = None) -> np.ndarray:
    """A picture with what is found on surfaces over it.

    Args:
        image: uint8 ``[H, W, 3]``.
        found: best objects first; these are drawn last.
        texture: uint8 ``[h, w, 4]``, see :func:`tile_side`: its colours are seen on the objects; None: the parts in
            colours, with lines.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    drawn = image.astype(np.float32)
    for i in reversed(range(len(found))):
        window, parts, uv = found.window(i), found.parts[i].astype(np.int64), found.uv[i]
        here = parts > 0
        if texture is None:
            colours, strength = _in_colours(parts, uv)
        else:
            own = read_texture_at(texture, parts, uv)
            colours, strength = own[..., :3].astype(np.float32), own[..., 3:] / 255
        below = drawn[window]
        below[here] = (below * (1 - strength) + colours * strength)[here]
    return np.rint(drawn).clip(0, 255).astype(np.uint8)


def part_colour(part: int) -> tuple[int, int, int]:
    """Red, green and blue of a part, 1 and up."""
    red, green, blue = colorsys.hsv_to_rgb(part * TURN % 1, 0.75, 1.0 - 0.25 * (part % 3 == 0))
    return round(255 * red), round(255 * green), round(255 * blue)


def _in_colours(parts: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours ``[h, w, 3]`` and how strong they are, ``[h, w, 1]``: white for u, black for v, as lines."""
    table = np.array([(0, 0, 0), *(part_colour(part) for part in range(1, int(parts.max(initial=0)) + 1))], np.float32)
    colours, strength = table[parts], np.full((*parts.shape, 1), STRENGTH, np.float32)
    for values, shade in zip(uv, (255, 0)):
        step = np.floor(values.clip(0, 1) * LINES)
        for axis in (0, 1):
            same = np.diff(parts, axis=axis) == 0
            crossed = np.pad((np.diff(step, axis=axis) != 0) & same, [(0, int(a == axis)) for a in (0, 1)])
            colours[crossed], strength[crossed] = shade, STRENGTH
    return colours, strength


def tile_side(texture: np.ndarray, parts: int) -> int | None:
    """Pixels of a side of the square tiles of a texture: six below each other, as many columns as ``parts`` need.

    Args:
        texture: ``[h, w, ...]``.
        parts: of the surface.

    Returns:
        The side; None where the picture has another shape.
    """
    columns = math.ceil(parts / ROWS)
    side = texture.shape[0] // ROWS
    return side if side > 0 and texture.shape[:2] == (side * ROWS, side * columns) else None


def read_texture_at(texture: np.ndarray, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """The colour of a texture at each place: the tiles go down the first column first; u runs to the right and v
    upwards.

    Args:
        texture: ``[h, w, C]``.
        parts: ``[...]``, 0 and up; the colour of 0 means nothing.
        uv: ``[2, ...]``.

    Returns:
        ``[..., C]``.
    """
    side = texture.shape[0] // ROWS
    tile = np.maximum(parts, 1) - 1
    u, v = (np.rint(own.clip(0, 1) * (side - 1)).astype(np.int64) for own in uv)
    return np.asarray(texture[tile % ROWS * side + (side - 1 - v), tile // ROWS * side + u])
