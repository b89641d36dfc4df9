"""What class maps are, without loading what reads them."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_folder
from maskrcnn.modalities.images.labels.formats import LabelFormat
from maskrcnn.modalities.images.read.find import has_images

FOLDERS = ("classes", "masks", "annotations", "gtFine")
PICTURES = ("images", "leftImg8bit")  # the second as Cityscapes has it
ENDINGS = ("_leftImg8bit", "_gtFine_labelIds")  # of its names, which are otherwise those of their images
OTHER_MAPS = ("_color", "_instanceIds", "_labelTrainIds")  # of the same image, beside the labelIds


def is_class_map_folder(folder: Path) -> bool:
    """Whether ``folder`` has ``images/`` and class maps."""
    return is_folder(images_folder(folder)) and find_class_maps(folder) is not None


def images_folder(folder: Path) -> Path:
    """Where the images lie."""
    return next((folder / name for name in PICTURES if is_folder(folder / name)), folder / PICTURES[0])


def find_class_maps(folder: Path) -> Path | None:
    """Where the class maps lie; None where there are none."""
    return next((folder / name for name in FOLDERS if has_images(folder / name)), None)


def plain_stem(stem: str) -> str:
    """What an image and its class map are both called."""
    return next((stem.removesuffix(ending) for ending in ENDINGS if stem.endswith(ending)), stem)


FORMAT = LabelFormat(
    short="class maps",
    order=40,
    name="class maps",
    brief="class maps (images/ and classes/ or masks/)",
    recognised="`images/` and `classes/` (or `masks/`, `annotations/`) with a picture of class numbers or "
    "colours each, no `labels/`; `leftImg8bit/` and `gtFine/`",
    holds="the class of every pixel; with `--task instances` **each connected part is one object**; `classes.txt` with "
    "lines `NUMBER NAME` or `RED GREEN BLUE NAME`, `(ignore)` behind the name of what nobody labelled; "
    "`objectInfo150.txt`",
    guessed="as for label maps; 255 is void, or the only class; the colours of Pascal VOC, CamVid and Cityscapes",
    refused="numbers and colours that a list does not have, colours of no known palette, JPEG of colours",
    is_folder=is_class_map_folder,
)
