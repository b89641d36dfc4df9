"""What Pascal VOC is, without loading what reads it."""

from __future__ import annotations

import re
from pathlib import Path

from maskrcnn.modalities.images.labels.folders import label_files
from maskrcnn.modalities.images.labels.formats import LabelFormat
from maskrcnn.modalities.images.read.find import has_images

MOST_ASKED = 50  # xml files, until one is an annotation
OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"


def is_voc(folder: Path) -> bool:
    """Whether ``folder`` has one of VOC's folders, or xml files of annotations, see :func:`label_files`."""
    if any(has_images(folder / name) for name in (OBJECTS, CLASSES)):
        return True
    return has_annotations(folder)


def has_annotations(folder: Path) -> bool:
    """Whether ``folder`` has xml files of annotations."""
    return any(map(_is_annotation, label_files(folder, "xml")[:MOST_ASKED]))


def _is_annotation(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return re.search(rb"<annotation[\s>]", file.read(1000).replace(b"\0", b"")) is not None
    except OSError:
        return False


FORMAT = LabelFormat(
    short="Pascal VOC",
    order=10,
    name="Pascal VOC, LabelMe of MIT",
    brief="Pascal VOC (xml in Annotations/, or SegmentationObject/)",
    recognised=(
        "`SegmentationObject/` or `SegmentationClass/`; or `.xml` files with `<annotation>` in `Annotations/`, "
        "`annotations/xmls/` or the like with subfolders, or beside the pictures"
    ),
    holds=(
        "pictures of objects and classes, as palette or colours; boxes, polygons of the xml files; splits from "
        "`ImageSets/`; names from `labelmap.txt` (CVAT), `class_names.txt` (labelme), else VOC's 20"
    ),
    guessed=(
        "pixels count from 1, or from 0 if any low corner of the folder is in [0, 1); pictures of classes alone: "
        "each connected part is an object"
    ),
    refused="xml that declares a document type; images with boxes but no masks among others with masks",
    is_folder=is_voc,
    names_pictures=has_annotations,
    has_splits=True,
    written_as="voc",
)
