"""Pictures whose pixels are numbers, of objects or of classes, and the records that are made of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.pictures import open_picture
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

WHITE, PALETTE = 255, 256
LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif"})
NEAR = 40  # by which JPEG moves black and white
SHADES = 6  # between black and white, from which an edge is soft
REACH = 8  # pixels within which a soft edge falls from white to black
MOST_BETWEEN, LEAST_AT_EDGES = 0.6, 0.9  # parts of the pixels that are of shades between, and of these near an edge
LABEL_MODES = frozenset({"1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N"})


def read_label_map(path: Path, colours: bool = False) -> np.ndarray:
    """Numbers ``[H, W]`` of any integer type; of a palette picture, the places in the palette.

    Grey that was saved as colours, with opacity or as floats counts as grey; what is transparent is 0. Black and white
    with soft edges, as JPEG and smoothing leave them, is cut at half: 0 and 255.

    Args:
        path: of the picture.
        colours: whether it may hold colours, which become their places in the palette of Pascal VOC.

    Raises:
        DataError: where the file cannot be read, holds colours that it may not, or numbers that JPEG changed.
    """
    try:
        with open_picture(path) as image:
            mode, palette = image.mode, image.getpalette() if image.mode == "P" else None
            step = _grey_step(image)
            numbers = np.array(image)
            numbers = numbers // step if step > 1 else numbers
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"The label map {path} cannot be read ({error}); write it again.") from error
    if colours and mode in ("RGB", "RGBA"):
        places = voc_index(numbers[..., :3])
        if places.max(initial=0) < PALETTE or not _is_grey(numbers[..., :3]):
            return places
    if mode not in LABEL_MODES:
        numbers = _as_grey(numbers, mode, path)
    elif palette is not None and _is_inverted(numbers, palette):
        numbers = (numbers == 0).astype(np.uint8)
    return _hardened(numbers, path)


def _grey_step(image: Image.Image) -> int:
    """By what Pillow multiplies the numbers of a grey PNG of 2 or 4 bits, so that the highest one is white."""
    tiles = getattr(image, "tile", None)
    raw = str(tiles[0][3]) if tiles else ""
    return next((step for name, step in {"L;4": 17, "L;2": 85}.items() if name in raw), 1)


def _is_grey(colours: np.ndarray) -> bool:
    return bool((colours == colours[..., :1]).all())


def _as_grey(numbers: np.ndarray, mode: str, path: Path) -> np.ndarray:
    """Grey numbers of a picture that has more channels than it needs, or floats."""
    if mode == "F" and np.isfinite(numbers).all():
        if (numbers == np.round(numbers)).all():
            return np.asarray(numbers, dtype=np.int64)
        if numbers.min() >= 0 and numbers.max() <= 1:
            return np.round(numbers * WHITE).astype(np.uint8)
    if mode in ("LA", "La", "RGB", "RGBA", "RGBa") and _is_grey(numbers[..., : len(mode) - ("A" in mode.upper())]):
        is_seen = numbers[..., -1] >= WHITE / 2 if "A" in mode.upper() else True
        return np.where(is_seen, numbers[..., 0], np.uint8(0))
    what = "colours" if mode != "F" else "fractions"
    raise DataError(f"The label map {path} holds {what} ({mode}); write its numbers as 8- or 16-bit grey PNG.")


def _is_inverted(places: np.ndarray, palette: list[int]) -> bool:
    """Whether a picture of a palette is black and white with white in the first place, as some converters order it."""
    used = np.unique(places).tolist()
    shown = [tuple(palette[3 * k : 3 * k + 3]) for k in used]
    return used == [0, 1] and shown == [(WHITE,) * 3, (0,) * 3]


def _hardened(numbers: np.ndarray, path: Path) -> np.ndarray:
    """Numbers as they are, or, of black and white with soft edges, 0 and 255."""
    if numbers.dtype == np.uint8:
        if is_soft(numbers, is_lossy(path)):
            return np.where(numbers >= WHITE / 2, np.uint8(WHITE), np.uint8(0))
        if is_lossy(path) and not np.isin(numbers, (0, WHITE)).all():
            raise DataError(
                f"The label map {path} is a JPEG or WebP, which changes numbers along every outline; write it as PNG."
            )
    return numbers


def is_lossy(path: Path) -> bool:
    """Whether the suffix is that of a format that changes numbers."""
    return path.suffix.lower() in LOSSY


def lossy_remarks(paths: Sequence[Path]) -> list[str]:
    """A sentence if some of the label maps are JPEG or another format that changes numbers."""
    lossy = [path for path in paths if is_lossy(path)]
    if not lossy:
        return []
    return [
        f"JPEG changes the numbers of label maps along every outline, so each counts as black and white, cut at half "
        f"({len(lossy)} of {len(paths)}, such as {lossy[0]}); write them as PNG."
    ]


def is_soft(numbers: np.ndarray, lossy: bool = False) -> bool:
    """Whether grey numbers ``[H, W]`` are black and white with soft edges, not numbers of many things.

    Then they are of several shades, dark and light, and next to every pixel between black and white is some of both.

    Args:
        numbers: uint8.
        lossy: of a JPEG, which moves black and white a little as well.
    """
    near = NEAR if lossy else 0
    between = (numbers > near) & (numbers < WHITE - near)
    if not (numbers >= WHITE - near).any() or between.mean() > MOST_BETWEEN:
        return False
    shades = np.unique(numbers[between])
    if not lossy and (len(shades) < SHADES or not shades.min() < WHITE / 2 <= shades.max()):
        return False
    at_edges = (_widest(numbers) >= WHITE - near) & (WHITE - _widest(WHITE - numbers) <= near)
    return bool((at_edges & between).sum() >= LEAST_AT_EDGES * between.sum())


def _widest(numbers: np.ndarray) -> np.ndarray:
    """The largest number within ``REACH`` rows and columns of each place."""
    for axis in (0, 1):
        padded = np.pad(numbers, [(REACH, REACH) if k == axis else (0, 0) for k in (0, 1)])
        shifts = (np.take(padded, range(k, k + numbers.shape[axis]), axis) for k in range(2 * REACH + 1))
        numbers = functools.reduce(np.maximum, shifts)
    return numbers


def voc_index(colours: np.ndarray) -> np.ndarray:
    """The place of colours ``[..., 3]`` in the palette of Pascal VOC, int64.

    The palette (``VOClabelcolormap.m`` in the devkit) deals the bits of a place to red, green and blue in turns, the
    lowest to the highest bit of red, so every colour has one place.
    """
    place = np.zeros(colours.shape[:-1], dtype=np.int64)
    for bit in range(8):
        for channel in range(3):
            place |= ((colours[..., channel].astype(np.int64) >> (7 - bit)) & 1) << (3 * bit + channel)
    return place


def voc_palette(count: int = 256) -> list[int]:
    """The colours of the first ``count`` places, ``[r, g, b, r, ...]``: the other way round from :func:`voc_index`."""
    place = np.arange(count)
    colours = np.zeros((count, 3), dtype=np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((place >> (3 * bit + channel)) & 1) << (7 - bit)
    values: list[int] = colours.ravel().tolist()
    return values


def mask_record(image: Path, image_id: int, regions: Regions, labels: np.ndarray | None = None) -> Record:
    """The record of objects that are known by their pixels; of one class where no labels ``[N]`` are given.

    Args:
        image: its file.
        image_id: its number in the data set.
        regions: a region for each object.
        labels: int64 ``[N]``; None: all are of one class.

    Returns:
        The record.
    """
    return Record(
        source=str(image),
        image_id=image_id,
        file_name=image.name,
        spatial_shape=regions.spatial_shape,
        boxes=regions.boxes(),
        labels=np.ones(len(regions), dtype=np.int64) if labels is None else labels,
        regions=regions,
        crowd=np.zeros(len(regions), dtype=bool),
        areas=regions.areas().astype(np.float64),
    )
