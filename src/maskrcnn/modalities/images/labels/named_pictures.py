"""Whether a file of labels says that a folder is one of pictures, whatever else lies in it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.folders import label_files
from maskrcnn.modalities.images.labels.formats import format_of_content, label_formats
from maskrcnn.modalities.images.read.find import has_images

MOST_ASKED = 50  # json files of a folder that are read to find out what they are
LARGEST_ASKED = 2**26  # bytes of one of them


def names_pictures(folder: Path) -> bool:
    """Whether ``folder`` holds pictures, and a file of labels of a known format that names some.

    Pictures must be there because some formats label sounds as well. A json file that is too large
    to be looked into, or no json, names none.
    """
    if not has_images(folder):
        return False
    if any(known.names_pictures is not None and known.names_pictures(folder) for known in label_formats()):
        return True
    return any(format_of_content(content_of(path)) is not None for path in asked_files(label_files(folder, "json")))


def asked_files(files: list[Path]) -> list[Path]:
    """The json files of a folder that are looked into to find out what they are."""
    return [path for path in files if path.stat().st_size <= LARGEST_ASKED][:MOST_ASKED]


def content_of(path: Path) -> object:
    """The content of a json file; None where it is none."""
    try:
        return read_json(path)
    except DataError:
        return None
