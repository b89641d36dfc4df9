"""Label formats that are known but not read: what they look like, and how to get their labels out in one that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.files import is_file, is_folder

ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")
HEAD = 4000  # bytes of a file that are looked at


@dataclass(frozen=True)
class UnreadFormat:
    """A format that is named instead of read.

    Attributes:
        name: as its users say it.
        way_out: what to do, the end of a sentence.
        is_json: whether the content of a json file is of it.
        is_head: whether the first bytes of any file are.
        is_folder: whether a folder looks like it.
    """

    name: str
    way_out: str
    is_json: Callable[[Any], bool] = lambda content: False
    is_head: Callable[[bytes], bool] = lambda head: False
    is_folder: Callable[[Path], bool] = lambda folder: False


def unread_format(path: Path) -> UnreadFormat | None:
    """The format of a file or folder, if it is one of these."""
    if is_folder(path):
        return next((known for known in UNREAD if known.is_folder(path)), None)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return None
    return next((known for known in UNREAD if known.is_head(head)), None) or _unread_json(path)


def unread_json(content: Any) -> UnreadFormat | None:
    """The format of the content of a json file, if it is one of these."""
    return next((known for known in UNREAD if known.is_json(content)), None)


def _unread_json(path: Path) -> UnreadFormat | None:
    """Of a json file that nobody has read yet, or of the first line of one with a document a line."""
    if path.suffix.lower() not in (".json", ".ndjson", ".jsonl"):
        return None
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.readline() if path.suffix.lower() != ".json" else file.read()
        return unread_json(json.loads(text))
    except (OSError, ValueError, RecursionError):
        return None


def _has(content: Any, *keys: str) -> bool:
    return isinstance(content, dict) and all(key in content for key in keys)


def _first(content: Any) -> Any:
    """The first entry of a list; None of anything else."""
    return content[0] if isinstance(content, list) and content else None


def is_panoptic(content: Any) -> bool:
    """Whether there are segments, or, without any label, classes that are told to be things or stuff."""
    if not isinstance(content, dict):
        return False
    first = _first(content.get("annotations"))
    return _has(first, "segments_info") or (first is None and _has(_first(content.get("categories")), "isthing"))


def _is_captions(content: Any) -> bool:
    entries = content.get("annotations") if isinstance(content, dict) else None
    return _has(_first(entries), "caption", "image_id") and not _has(content, "categories")


def _is_coco_results(content: Any) -> bool:
    return _has(_first(content), "image_id", "category_id") and not _has(_first(content), "annotations")


def _is_create_ml(content: Any) -> bool:
    entry = _first(content)
    boxes = (
        entry.get("annotations")
        if _has(entry, "annotations") and ("image" in entry or "imagefilename" in entry)
        else None
    )
    return isinstance(boxes, list) and (not boxes or _has(boxes[0], "coordinates"))


def _is_cityscapes(folder: Path) -> bool:
    return is_folder(folder / "gtFine") or is_folder(folder / "leftImg8bit")


def _is_supervisely(folder: Path) -> bool:
    return is_file(folder / "meta.json") and any(is_folder(sub) for sub in (folder / "ann", *folder.glob("*/ann")))


def _is_archive(head: bytes) -> bool:
    return head.startswith(ARCHIVES) or head[257:262] == b"ustar"


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(marks)


IMAGES_EXPORT = "export the images of the task as COCO, YOLO, Pascal VOC or LabelMe"
UNREAD: tuple[UnreadFormat, ...] = (
    UnreadFormat("a packed archive", "unpack it and name the folder", is_head=_is_archive),
    UnreadFormat(
        "COCO's panoptic json (segments_info, with masks in PNG files)",
        "use the instances_*.json of the same set, or convert it with panopticapi's panoptic2detection_coco_format.py",
        is_json=is_panoptic,
    ),
    UnreadFormat("COCO's captions", "use the instances_*.json of the same set", is_json=_is_captions),
    UnreadFormat(
        "a COCO list of results (detections, no labels)",
        "name the file of the labels, which has 'images', 'annotations' and 'categories'",
        is_json=_is_coco_results,
    ),
    UnreadFormat("Apple's Create ML json", "export as COCO or Pascal VOC from the same tool", is_json=_is_create_ml),
    UnreadFormat(
        "a VIA 3 project",
        "annotate images with VIA 2, whose projects and exports are read",
        is_json=lambda content: _has(content, "project", "metadata", "view"),
    ),
    UnreadFormat(
        "Supervisely's json",
        "export from Supervisely as COCO or YOLO",
        is_json=lambda content: _has(content, "objects", "size") or _has(content, "classes", "projectType"),
        is_folder=_is_supervisely,
    ),
    UnreadFormat(
        "V7's Darwin json",
        "export from V7 as COCO",
        is_json=lambda content: (
            _has(content, "item", "annotations") or _has(content, "dataset", "image", "annotations")
        ),
    ),
    UnreadFormat(
        "Cityscapes' json of polygons",
        "convert it to COCO: `datum convert -if cityscapes -f coco_instances`",
        is_json=lambda content: _has(content, "imgHeight", "imgWidth", "objects"),
        is_folder=_is_cityscapes,
    ),
    UnreadFormat(
        "Labelbox's export",
        "convert it to COCO with Labelbox's Python package",
        is_json=lambda content: any(
            _has(entry, "data_row") or _has(entry, "DataRow ID") for entry in (content, _first(content))
        ),
    ),
    UnreadFormat(
        "BDD100K's or Scalabel's json",
        "convert it to COCO with Scalabel's Python package (`scalabel.label.to_coco`)",
        is_json=lambda content: _has(_first(content), "name", "labels") or _has(content, "frames", "config"),
    ),
    UnreadFormat(
        "SuperAnnotate's json",
        "export from SuperAnnotate as COCO",
        is_json=lambda content: _has(content, "metadata", "instances"),
    ),
    UnreadFormat(
        "a GeoJSON file",
        "turn its coordinates into pixels of the picture and write COCO",
        is_json=lambda c: _has(c, "type", "features"),
    ),
    UnreadFormat(
        "CVAT's task backup",
        IMAGES_EXPORT + " (not 'Backup Task')",
        is_json=lambda c: _has(c, "name", "labels", "jobs"),
    ),
    UnreadFormat(
        "the csv of Open Images",
        "convert it with `datum convert -if open_images -f coco_instances`",
        is_head=_starts(b"ImageID,", b"ImagePath,ImageID"),
    ),
    UnreadFormat(
        "Open Images",
        "convert it with `datum convert -if open_images -f coco_instances`",
        is_folder=lambda folder: any(folder.glob("annotations/*-annotations-*.csv")),
    ),
    UnreadFormat(
        "KITTI",
        "convert it with `datum convert -if kitti -f coco_instances`",
        is_folder=lambda folder: any(is_folder(place / "label_2") for place in (folder, *folder.glob("*/"))),
    ),
    UnreadFormat("a TFRecord", IMAGES_EXPORT, is_head=lambda head: b"image/object/bbox" in head),
)


def unread_table() -> str:
    """The formats as a table in Markdown, for ``docs/formats.md``."""
    rows = [
        ("what it is", "how to get at its labels"),
        ("---", "---"),
        *((known.name, known.way_out) for known in UNREAD),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
