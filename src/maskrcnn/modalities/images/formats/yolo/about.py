"""What YOLO is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.modalities.images.labels.formats import LabelFormat


def is_yolo(folder: Path) -> bool:
    """Whether ``folder`` has a description, or label files where those of its images lie."""
    names = ("*.yaml", "*.yml", "*.data", "*.txt", "labels/*.txt")
    if not any(next(folder.glob(name), None) for name in names) and "images" not in folder.parts:
        return False
    from maskrcnn.modalities.images.formats.yolo.read import looks_like_yolo  # what the files say is for it to see

    return looks_like_yolo(folder)


def is_yolo_yaml(path: Path) -> bool:
    """Whether the suffix is that of a description, also darknet's."""
    return path.suffix.lower() in (".yaml", ".yml", ".data")


def has_description(folder: Path) -> bool:
    """Whether ``folder`` is one of YOLO with a description, which says where the pictures are."""
    return any(map(is_yolo_yaml, folder.iterdir())) and is_yolo(folder)


FORMAT = LabelFormat(
    short="YOLO",
    order=20,
    name="YOLO (Ultralytics, darknet, CVAT's YOLO 1.1)",
    brief="YOLO (data.yaml, obj.data, or images/ and labels/ with text files)",
    recognised=(
        "`data.yaml` or another `.yaml` with `names`; `obj.data`; `images/` and `labels/*.txt`; or `.txt` beside "
        "the pictures, with `classes.txt`"
    ),
    holds="boxes, outlines, poses (`kpt_shape`); splits from the description (`DATA:val`)",
    guessed=(
        "a picture without a label file has no objects; folders of another machine are looked for by the end of "
        "their path"
    ),
    refused="rows of poses without `kpt_shape`; numbers far beyond 1; 3-D boxes",
    is_folder=is_yolo,
    names_pictures=has_description,
    is_file=is_yolo_yaml,
    has_splits=True,
    written_as="yolo",
)
