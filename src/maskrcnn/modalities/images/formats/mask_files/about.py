"""What folders of mask files are, without loading what reads them."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_folder
from maskrcnn.modalities.images.labels.formats import LabelFormat


def is_mask_file_folder(folder: Path) -> bool:
    """Whether one of the folders in ``folder`` has an ``images/`` and a ``masks/``."""
    return any(is_folder(sub / "images") and is_folder(sub / "masks") for sub in list_subfolders(folder))


def list_subfolders(folder: Path) -> list[Path]:
    return [sub for sub in sorted(folder.iterdir()) if is_folder(sub) and not sub.name.startswith(".")]


FORMAT = LabelFormat(
    short="mask files",
    order=50,
    name="mask files",
    brief="one mask file for each object (NAME/images/ and NAME/masks/)",
    recognised=(
        "`NAME/images/` with one image and `NAME/masks/` with one file an object, as in Kaggle's Data Science Bowl 2018"
    ),
    holds="each file is one object",
    guessed="as for label maps; any number but 0 is the object",
    refused="folders with another number of pictures",
    is_folder=is_mask_file_folder,
)
