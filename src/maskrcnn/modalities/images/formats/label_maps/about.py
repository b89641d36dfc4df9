"""What label maps are, without loading what reads them."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_folder
from maskrcnn.modalities.images.labels.formats import LabelFormat
from maskrcnn.modalities.images.read.find import has_images


def is_label_map_folder(folder: Path) -> bool:
    """Whether ``folder`` has the two folders of this format, with images in ``labels/``."""
    return is_folder(folder / "images") and has_images(folder / "labels")


FORMAT = LabelFormat(
    short="label maps",
    order=30,
    name="label maps",
    brief="label maps (images/ and labels/)",
    recognised="`images/` and `labels/` with a picture of whole numbers each",
    holds="every number is one object; `classes.txt`; with several classes a second picture each in `classes/`",
    guessed="grey saved as colours, with opacity or as floats is grey; black and white with soft edges is cut at half",
    refused="colours, fractions, numbers in a JPEG",
    is_folder=is_label_map_folder,
    written_as="label-maps",
)
