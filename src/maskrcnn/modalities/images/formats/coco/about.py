"""What COCO is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskrcnn.files import is_file
from maskrcnn.modalities.images.labels.formats import LabelFormat
from maskrcnn.modalities.images.labels.unsupported import is_panoptic

ROBOFLOW_NAME = "_annotations.coco.json"
LISTS = ("images", "annotations", "categories")


def is_coco(content: Any) -> bool:
    """Whether the content of a json file has the three lists of COCO, and no panoptic segments."""
    lists = isinstance(content, dict) and all(isinstance(content.get(name), list) for name in LISTS)
    return lists and not is_panoptic(content)


def is_roboflow(folder: Path) -> bool:
    """Whether a folder has the file of Roboflow's name."""
    return is_file(folder / ROBOFLOW_NAME)


FORMAT = LabelFormat(
    short="COCO",
    order=0,
    name="COCO, Roboflow's COCO, LVIS",
    brief="COCO json (also in annotations/, or _annotations.coco.json)",
    recognised=(
        "a `.json` file with `images`, `annotations` and `categories`; a folder with one, also in `annotations/` "
        "(of several, `instances_*.json`; `DATA:val` is the one of that split); Roboflow's "
        "`_annotations.coco.json`"
    ),
    holds=(
        "polygons, run lengths in both forms, boxes; crowds, keypoints, surfaces (DensePose), searched classes (LVIS)"
    ),
    guessed=(
        "pictures in `images/SPLIT/`, `images/`, `SPLIT/` or beside; ids and `iscrowd` as numbers or text; "
        "Roboflow's heading is no class; the picture's own size, where another is stated"
    ),
    refused=(
        "panoptic json, captions, lists of results; annotations without an image or a class; more than 1000 keypoints"
    ),
    is_folder=is_roboflow,
    names_pictures=is_roboflow,
    is_content=is_coco,
    written_as="coco",
)
