"""What CVAT is, without loading what reads it."""

from __future__ import annotations

import re
from pathlib import Path

from maskrcnn.modalities.images.labels.folders import label_files
from maskrcnn.modalities.images.labels.formats import LabelFormat

HEAD = 2000  # bytes of a file in which its first element begins
ROOT = re.compile(rb"<annotations[\s>]")


def is_cvat(path: Path) -> bool:
    """Whether an xml file begins as CVAT writes it."""
    if path.suffix.lower() != ".xml":
        return False
    try:
        with path.open("rb") as file:
            return ROOT.search(file.read(HEAD).replace(b"\0", b"")) is not None
    except OSError:
        return False


def is_cvat_folder(folder: Path) -> bool:
    """Whether exactly one of the xml files of ``folder`` is CVAT's."""
    return len([path for path in label_files(folder, "xml")[:50] if is_cvat(path)]) == 1


FORMAT = LabelFormat(
    short="CVAT",
    order=60,
    name="CVAT for images 1.1",
    brief="CVAT for images (annotations.xml)",
    recognised="an `.xml` file with `<annotations>`, or a folder with one",
    holds="polygon, box (also turned), ellipse, brush mask",
    guessed="shapes of one label and one `group_id` are one object; a box beside its outline is its box",
    refused="videos (tracks), skeletons, points, polylines, cuboids, tags",
    is_folder=is_cvat_folder,
    names_pictures=is_cvat_folder,
    is_file=is_cvat,
    written_as="cvat",
)
