"""Pictures whose pixels are numbers, of objects or of classes, and the records that are made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.data.images import find_images, is_image
from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

LABEL_MODES = frozenset({"1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N"})


def read_label_map(path: Path, colours: bool = False) -> np.ndarray:
    """Numbers ``[H, W]`` of any integer type; of a palette picture, the places in the palette.

    Args:
        path: of the picture.
        colours: whether it may hold colours, which become their places in the palette of Pascal VOC.

    Raises:
        DataError: where the file cannot be read or holds colours that it may not.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            numbers = np.array(image)
    except Exception as error:
        raise DataError(f"The label map {path} cannot be read ({error}); write it again.") from error
    if colours and mode in ("RGB", "RGBA"):
        return voc_index(numbers[..., :3])
    if mode not in LABEL_MODES:
        raise DataError(f"The label map {path} holds colours ({mode}); write object numbers as 8- or 16-bit grey PNG.")
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


def class_of_each(regions: Regions, classes: np.ndarray) -> np.ndarray:
    """The number that most pixels of each object have in ``classes`` ``[H, W]``, int64 ``[N]``."""
    numbers = np.zeros(len(regions), dtype=np.int64)
    for i in range(len(regions)):
        values, counts = np.unique(classes[regions.window_slices(i)][regions.window(i)], return_counts=True)
        numbers[i] = values[counts.argmax()]
    return numbers


def mask_record(image: Path, image_id: int, regions: Regions, labels: np.ndarray | None = None) -> Record:
    """The record of objects that are known by their pixels; of one class where no labels ``[N]`` are given."""
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


def images_by_stem(folder: Path, deep: bool = False) -> dict[str, Path]:
    """The images in a folder, sorted, by their names without suffix; none where there is no such folder.

    Args:
        deep: those in its subfolders as well, by their paths in ``folder`` without suffix.
    """
    if not folder.is_dir():
        return {}
    paths = find_images(folder) if deep else [path for path in sorted(folder.iterdir()) if is_image(path)]
    visible = (path for path in paths if not path.name.startswith("."))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in visible}


def has_images(folder: Path) -> bool:
    """Whether an image lies in ``folder`` or below it."""
    return bool(images_by_stem(folder)) or bool(images_by_stem(folder, deep=True))
