"""What a COCO json file really says, before its reader repairs or passes over anything."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.data.faults import Fault, border_excess, box_fault, disagreement
from maskrcnn.data.parsing.numbers import identity, truth, whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.masks.self_crossings import loops_matter
from maskrcnn.modalities.images.formats.coco.annotation import heading_ids, is_category, picture_name, polygon_parts
from maskrcnn.modalities.images.labels.run_lengths import run_lengths_of

LISTS = ("images", "annotations", "categories")
DIGITS = 0  # of box coordinates that are alike when an object was labelled twice


@dataclass(frozen=True)
class CocoFacts:
    """What is wrong with a file, and which images anything at all is written about.

    Attributes:
        faults: in the order of the file.
        labelled: ids of the images with at least one annotation, sound or not.
    """

    faults: list[Fault]
    labelled: frozenset[Any]


def read_coco(path: Path) -> dict[str, Any] | None:
    """The content of ``path`` if it is COCO json, else None."""
    if not is_file(path) or path.suffix.lower() != ".json":
        return None
    try:
        content = read_json(path)
    except DataError:
        return None
    is_coco = isinstance(content, dict) and all(isinstance(content.get(name), list) for name in LISTS)
    return content if is_coco else None


def inspect_coco(content: dict[str, Any], found: Mapping[Any, tuple[int, ...]]) -> CocoFacts:
    """Look at every entry of a COCO json file.

    Args:
        content: of the file.
        found: ids of the images whose files are there, as :func:`identity` gives them, with their spatial shapes.
    """
    faults: list[Fault] = []
    images: dict[Any, dict[str, Any]] = {}
    for entry in content["images"]:
        faults += _image_faults(entry, images, found)
    annotations = content["annotations"]
    named = [c for c in content["categories"] if isinstance(c, dict) and is_category(c)]
    used = {whole_number(entry.get("category_id")) for entry in annotations if isinstance(entry, dict)}
    headings = heading_ids(named, used)
    faults += _category_faults(content["categories"], headings)
    known = {whole_number(c["id"]) for c in named} - headings
    has_masks = any(isinstance(a, dict) and a.get("segmentation") for a in annotations)
    seen: dict[tuple[Any, ...], Any] = {}
    for entry in annotations:
        faults += _annotation_faults(entry, images, found, known, has_masks, seen)
    about = {identity(entry.get("image_id")) for entry in annotations if isinstance(entry, dict)}
    return CocoFacts(faults, frozenset(about))


def _image_faults(
    entry: Any, images: dict[Any, dict[str, Any]], found: Mapping[Any, tuple[int, ...]]
) -> Iterator[Fault]:
    """Faults of one entry of ``images``; a usable one is put into ``images`` by its id."""
    name = picture_name(entry)
    key = identity(entry.get("id")) if isinstance(entry, dict) else None
    if key is None or not name:
        yield Fault("image-entry", name or str(entry)[:60], "without id or file_name", name)
    elif key in images:
        yield Fault("image-entry", name, f"has the id {key} of {picture_name(images[key])}", name)
    else:
        images[key] = entry
        if key not in found:
            yield Fault("image-missing", name, "", name)


def _category_faults(categories: list[Any], headings: Container[Any]) -> Iterator[Fault]:
    names: set[str] = set()
    for entry in categories:
        if isinstance(entry, dict) and whole_number(entry.get("id")) in headings:
            continue
        if not _is_named(entry):
            yield Fault("category-unknown", str(entry)[:60], "a category without a name or whole number")
        elif str(entry["name"]) in names:
            yield Fault("category-twice", str(entry["name"]), f"again with id {entry['id']}")
        else:
            names.add(str(entry["name"]))


def _annotation_faults(
    entry: Any,
    images: dict[Any, dict[str, Any]],
    shapes: Mapping[Any, tuple[int, ...]],
    known: Container[Any],
    has_masks: bool,
    seen: dict[tuple[Any, ...], Any],
) -> Iterator[Fault]:
    if not isinstance(entry, dict):
        yield Fault("label-without-image", str(entry)[:60], "is no annotation")
        return
    key, number = identity(entry.get("image_id")), entry.get("id", "without id")
    if key not in images:
        yield Fault("label-without-image", f"annotation {number}", f"image {key}")
        return
    name, shape = picture_name(images[key]), shapes.get(key)
    place = f"{name}, annotation {number}"
    category = whole_number(entry.get("category_id"))
    if category is None or category not in known:
        yield Fault("category-unknown", place, f"category {str(entry.get('category_id'))[:40]}", name)
    for code, detail in _geometry_faults(entry, None if shape is None else (shape[0], shape[1]), has_masks):
        yield Fault(code, place, detail, name)
    box = _numbers(entry.get("bbox"))
    if box is not None and len(box) == 4 and np.isfinite(box).all() and not truth(entry.get("iscrowd")):
        alike = (key, category, *np.round(box, DIGITS).tolist())
        if alike in seen:
            yield Fault("object-twice", place, f"like annotation {seen[alike]}", name)
        seen.setdefault(alike, number)


def _geometry_faults(entry: dict[str, Any], shape: tuple[int, int] | None, has_masks: bool) -> list[tuple[str, str]]:
    """(code, detail) of each fault of an annotation's box and mask; ``shape`` None: of an image of unknown size."""
    faults: list[tuple[str, str]] = []
    box = _box(entry, shape, faults)
    segmentation = entry.get("segmentation")
    if not segmentation:
        if has_masks:
            faults.append(("mask-missing", ""))
        elif entry.get("bbox") is None:
            faults.append(("box-empty", "neither box nor mask"))
        return faults
    runs = run_lengths_of(segmentation)
    if runs:
        mask_box = _union([_inspect_rle(part, shape, faults) for part in runs])
    else:
        mask_box = _inspect_polygons(polygon_parts(segmentation), shape, faults)
    if box is not None and mask_box is not None and (words := disagreement(box, mask_box)):
        faults.append(("box-mask-disagree", words))
    return faults


def _box(entry: dict[str, Any], shape: tuple[int, int] | None, faults: list[tuple[str, str]]) -> np.ndarray | None:
    """The corners of a sound box; None for a faulty or absent one."""
    if entry.get("bbox") is None:
        return None
    numbers = _numbers(entry["bbox"])
    if numbers is None or len(numbers) != 4:
        faults.append(("not-a-number", f"box {str(entry['bbox'])[:40]}"))
        return None
    corners = np.concatenate([numbers[:2], numbers[:2] + numbers[2:]])
    code, detail = box_fault(corners, shape)
    if code:
        faults.append((code, detail))
        return None
    return corners


def _inspect_rle(
    rle: dict[str, Any], shape: tuple[int, int] | None, faults: list[tuple[str, str]]
) -> np.ndarray | None:
    """The tight box of run lengths; None where they cannot be used."""
    if shape is not None and rle.get("size") != list(shape):
        faults.append(("mask-unreadable", f"run lengths for {rle.get('size')}, image {list(shape)}"))
        return None
    try:
        height, width = rle["size"]
        x, y, w, h = coco_mask.to_bbox(coco_mask.frPyObjects(rle, height, width)).tolist()
    except Exception as error:  # decoders meet broken run lengths with errors of every kind
        faults.append(("mask-unreadable", f"run lengths ({str(error)[:50]})"))
        return None
    if not w or not h:
        faults.append(("mask-missing", "it covers nothing"))
        return None
    return np.array([x, y, x + w, y + h])


def _union(boxes: list[np.ndarray | None]) -> np.ndarray | None:
    """The box of all of several; None where one is missing."""
    known = [box for box in boxes if box is not None]
    if not known or len(known) < len(boxes):
        return None
    return np.concatenate([np.min(known, axis=0)[:2], np.max(known, axis=0)[2:]])


def _inspect_polygons(
    parts: list[Any], shape: tuple[int, int] | None, faults: list[tuple[str, str]]
) -> np.ndarray | None:
    """The tight box of all parts of a polygon; None where none can be used."""
    sound = []
    for part in parts:
        numbers = _numbers(part)
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:
            faults.append(("mask-unreadable", f"a polygon of {0 if numbers is None else len(numbers)} numbers"))
        elif not np.isfinite(numbers).all():
            faults.append(("not-a-number", "polygon"))
        else:
            sound.append(numbers.reshape(-1, 2))
    if shape is not None and any(loops_matter(points, _covered(points)) for points in sound):
        faults.append(("polygon-crossing", ""))
    if not sound or len(sound) < len(parts):
        return None
    points = np.concatenate(sound)
    tight = np.concatenate([points.min(0), points.max(0)])
    if shape is not None and "box-outside" not in dict(faults) and (beyond := border_excess(tight, shape)):
        faults.append(("box-outside", f"its outline passes the border by {beyond:.0f} px"))
    return tight


def _covered(points: np.ndarray) -> float:
    """Pixels that a polygon ``[n, 2]`` fills on a canvas large enough for all of it."""
    points = points - points.min(0) + 1
    width, height = (np.ceil(points.max(0)) + 2).astype(int).tolist()
    if width * height > 2**28:  # coordinates far outside any image
        return 0.0
    return float(coco_mask.area(coco_mask.merge(coco_mask.frPyObjects([points.ravel().tolist()], height, width))))


def _is_named(category: Any) -> bool:
    return isinstance(category, dict) and is_category(category) and bool(str(category["name"] or "").strip())


def _numbers(values: Any) -> np.ndarray | None:
    """Float64 ``[n]``, perhaps with NaN (json's null counts as NaN), or None for what is no list of numbers."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if numbers.shape == (numbers.size,) else None
