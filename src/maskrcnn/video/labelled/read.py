"""What labelled sequences hold: the number of the object at each pixel, and the class of each number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.numbers import whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.images.read.pictures import open_picture
from maskrcnn.video.labelled.layout import CLASSES

NUMBERS = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")  # modes of Pillow whose pixels are whole numbers


def read_numbers(path: Path) -> np.ndarray:
    """The number of the object at each pixel, int64 ``[H, W]``, 0 for none.

    Raises:
        DataError: the file cannot be read, or holds colours.
    """
    try:
        with open_picture(path) as picture:
            mode = picture.mode
            pixels = np.array(picture) if mode in NUMBERS else None
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path} cannot be read as a picture ({error}); write it again.") from error
    if pixels is None:
        raise DataError(f"{path} holds colours ({mode}); save the numbers of objects as grey or with a palette.")
    return pixels.astype(np.int64)


def read_class_names(folder: Path) -> dict[str, str]:
    """What ``classes.json`` of the folder says: a class name for each key, a number or the name of a sequence.

    Raises:
        DataError: it is no such file.
    """
    path = folder / CLASSES
    if not is_file(path):
        return {}
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content.values()):
        raise DataError(f'{path} must hold the class name of each number, such as {{"1": "person"}}.')
    return {str(key): name for key, name in content.items()}


def class_of_number(names: dict[str, str]) -> dict[int, str]:
    """Those of the keys that are numbers."""
    numbers = {whole_number(key): name for key, name in names.items()}
    return {number: name for number, name in numbers.items() if number is not None}
