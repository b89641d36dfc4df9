"""Colours of 16 bits, which Pillow opens but keeps only half of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

COLOUR_MODES = frozenset({"RGB", "RGBA", "LA"})  # in which Pillow gives colours of 16 bits with 8
OTHER_BYTE = {
    ";16N": ";16B" if sys.byteorder == "little" else ";16L",
    "LA;16B": "RGBA",
    ";16B": ";16L",
    ";16L": ";16B",
}
BITS, PACKING, PLANAR = 258, 259, 284  # tags of TIFF
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # as Pillow makes grey of colours
TURNS = {  # of EXIF orientations: quarter turns to the left, and whether left and right are exchanged afterwards
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}


def deep_colours(path: str | Path, image: Image.Image) -> np.ndarray | None:
    """Float32 ``[H, W, C]`` of colours of 16 bits, scaled to 0..255; None for other images.

    Like 12-bit grey, colours may use a part of their 16 bits only, so the fewest bits that hold the brightest value
    count as all.
    """
    if image.mode not in COLOUR_MODES or not isinstance(image, ImageFile) or not image.tile:
        return None
    values = _ppm_values(path, image) if image.format == "PPM" else _both_bytes(path, image)
    if values is None:
        return None
    colours = values[..., :-1] if values.shape[2] in (2, 4) else values
    used = max(float(colours.max()), 1.0)
    bits = next(bits for bits in (8, 10, 12, 14, 16) if used < 1 << bits)
    colours *= np.float32(255 / ((1 << bits) - 1))
    if colours.base is values:
        values[..., -1] /= 257
    return values


def _ppm_values(path: str | Path, image: ImageFile) -> np.ndarray | None:
    """The values ``[H, W, 3]`` of a binary PPM of more than 8 bits, which Pillow rounds to 8."""
    tile, (width, height) = image.tile[0], image.size
    if tile.codec_name != "ppm" or not isinstance(tile.args, tuple) or tile.args[1] < 256:
        return None
    values = np.fromfile(path, dtype=">u2", count=3 * width * height, offset=tile.offset)
    if len(values) < 3 * width * height:
        raise OSError("the file is truncated")
    return values.reshape(height, width, 3).astype(np.float32)


def _both_bytes(path: str | Path, image: ImageFile) -> np.ndarray | None:
    """The values ``[H, W, C]`` of an image of which Pillow keeps the upper byte of each; None for other images.

    A second walk that takes the bytes of each pair for exchanged keeps the lower one.
    """
    _name_plane_depth(image)
    if not any(layout in str(tile.args) for tile in image.tile for layout in OTHER_BYTE):
        return None
    with Image.open(path) as again:
        assert isinstance(again, ImageFile)
        again.seek(image.tell())
        _name_plane_depth(again)
        again.tile = [tile._replace(args=_exchanged(tile.args)) for tile in again.tile]
        is_grey = "LA;16" in str(image.tile[0].args)
        second = np.array(again, dtype=np.float32)
    if is_grey:  # grey and opacity, of which the second walk keeps both bytes
        return second[..., 0::2] * 256 + second[..., 1::2]
    return np.array(image, dtype=np.float32) * 256 + second


def _name_plane_depth(image: ImageFile) -> None:
    """Pillow takes planes of 16 bits that are not packed for planes of 8; their layouts get their right names."""
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(BITS) == (16, 16, 16) and tags.get(PLANAR) == 2 and tags.get(PACKING, 1) == 1:
        order = ";16L" if tags.prefix == b"II" else ";16B"
        image.tile = [tile._replace(args=_deepened(tile.args, order)) for tile in image.tile]


def _deepened(layout: Any, order: str) -> Any:
    return (layout[0] + order, *layout[1:])


def _exchanged(layout: Any) -> Any:
    """The name of a layout of bytes, or what holds it, with the bytes of each pair exchanged."""
    if isinstance(layout, tuple):
        return tuple(map(_exchanged, layout))
    if isinstance(layout, str):
        return next((layout.replace(own, other) for own, other in OTHER_BYTE.items() if own in layout), layout)
    return layout


def shown_colours(colours: np.ndarray, channels: int, orientation: int) -> np.ndarray:
    """Colours ``[H, W, C]`` of 0..255, perhaps with opacity: on white and upright, ``[H, W]`` or
    ``[H, W, 3]``.

    Args:
        colours: ``[H, W, C]``, 0..255; C is 1 or 3, or one more for the opacity.
        channels: that are asked for: 1 or 3.
        orientation: EXIF's, 1 to 8.

    Returns:
        ``[H, W]`` for one channel, ``[H, W, 3]`` for three; H and W are exchanged by a quarter
        turn.
    """
    if colours.shape[2] in (2, 4):
        opacity = colours[..., -1:] / np.float32(255)
        colours = colours[..., :-1] * opacity + 255 * (1 - opacity)
    if channels == 1:
        colours = colours @ LUMA if colours.shape[2] == 3 else colours[..., 0]
    elif colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    quarters, is_mirrored = TURNS.get(orientation, (0, False))
    turned = np.rot90(colours, quarters)
    return np.ascontiguousarray(turned[:, ::-1] if is_mirrored else turned)
