"""What class maps are, without loading what reads them."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_folder
from maskrcnn.modalities.images.labels.formats import LabelFormat
from maskrcnn.modalities.images.read.find import has_images

FOLDERS = ("classes", "masks")


def is_class_map_folder(folder: Path) -> bool:
    """Whether ``folder`` has ``images/`` and class maps."""
    return is_folder(folder / "images") and find_class_maps(folder) is not None


def find_class_maps(folder: Path) -> Path | None:
    return next((folder / name for name in FOLDERS if has_images(folder / name)), None)


FORMAT = LabelFormat(
    short="class maps",
    order=40,
    name="class maps",
    brief="class maps (images/ and classes/ or masks/)",
    recognised="`images/` and `classes/` (or `masks/`) with a picture of class numbers each, no `labels/`",
    holds="**each connected part is one object**; `classes.txt`",
    guessed="as for label maps; 255 is void, or the only class",
    refused="as for label maps",
    is_folder=is_class_map_folder,
)
