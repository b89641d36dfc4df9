"""The numbers of a class map, or the places of its colours in a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.formats.class_maps.legend import Legend
from maskrcnn.modalities.images.labels.index_maps import is_lossy, read_label_map
from maskrcnn.modalities.images.read.pictures import open_picture
from maskrcnn.structures import IGNORED

UNKNOWN = -2  # a colour that the list does not have
COLOURS, SEEN = ("RGB", "RGBA", "P", "PA"), 128  # modes of pictures in colours; opacity from which on a pixel is there


def read_numbers(path: Path, legend: Legend) -> np.ndarray:
    """Read a class map.

    Args:
        path: of the picture.
        legend: says whether it is in colours.

    Returns:
        Int64 ``[H, W]``; ``IGNORED`` where the picture is transparent, ``UNKNOWN`` for a colour that the legend does
        not have.

    Raises:
        DataError: it cannot be read, or is in colours and no list says what they mean.
    """
    if not legend.colours:
        numbers = np.asarray(read_label_map(path), dtype=np.int64)
    else:
        if is_lossy(path):
            raise DataError(lossy_colours(path))
        places = legend.place_colours(read_colours(path))
        numbers = np.where(places < 0, UNKNOWN, places)
    seen = _seen(path)
    return numbers if seen is None else np.where(seen, numbers, IGNORED)


def lossy_colours(path: Path) -> str:
    """What is said of a map in colours in a format that changes them."""
    return f"{path} is a JPEG or WebP, which changes colours along every outline; write it as PNG."


def is_coloured(path: Path) -> bool:
    """Whether a map is in colours that are no palette: of a palette the places are its numbers."""
    try:
        with open_picture(path) as image:
            if image.mode not in ("RGB", "RGBA"):
                return False
            colours = np.array(image)[..., :3]
    except Exception:  # what is wrong with it is said where it is used
        return False
    return bool((colours != colours[..., :1]).any())


def colours_in(path: Path) -> set[tuple[int, int, int]]:
    """The colours of a map; none of one that cannot be read."""
    try:
        colours = read_colours(path)
    except DataError:
        return set()
    return {(r, g, b) for r, g, b in np.unique(colours.reshape(-1, 3), axis=0).tolist()}


def read_colours(path: Path) -> np.ndarray:
    """Uint8 ``[H, W, 3]``. Raises DataError where the picture cannot be read."""
    try:
        with open_picture(path) as image:
            return np.array(image.convert("RGB"))
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"The class map {path} cannot be read ({error}); write it again.") from error


def _seen(path: Path) -> np.ndarray | None:
    """Bool ``[H, W]``: where a picture with opacity is not transparent; None for one without."""
    try:
        with open_picture(path) as image:
            if "A" not in image.getbands():
                return None
            return np.array(image.getchannel("A")) >= SEEN
    except Exception:  # said by whoever reads its numbers
        return None
