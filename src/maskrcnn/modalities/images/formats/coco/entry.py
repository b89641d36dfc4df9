"""One annotation of COCO json on its way to a tool that draws, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import PIXEL_CENTRE
from maskrcnn.data.parsing.numbers import finite_numbers, truth
from maskrcnn.masks.rasterise import NO_MASK, clip_box, mask_area
from maskrcnn.modalities.images.formats.coco.annotation import parse_annotation, polygon_parts
from maskrcnn.modalities.images.labels.editable import (
    ATTRIBUTES,
    CROWD,
    Classes,
    EditedObject,
    LabelledObject,
    MaskWindow,
    Part,
    Shape,
    parts_box,
)
from maskrcnn.modalities.images.labels.run_lengths import run_lengths_of

SMALLEST = 6  # numbers of an outline


def drawn_object(entry: dict[str, Any], number: int, name: str, shape: Shape, points: int) -> LabelledObject | None:
    """An entry as it is drawn.

    Args:
        entry: of ``annotations``.
        number: its id.
        name: of its class.
        shape: height and width of its image.
        points: how many keypoints an object has.

    Returns:
        The object; None where nothing of it can be drawn.
    """
    parts = _parts(entry.get("segmentation"))
    if parts and not points:  # outlines are drawn as they are; there may be thousands
        return _outlined(entry, number, name, shape, parts)
    asked = {**entry, "segmentation": None, "bbox": _box_of(parts)} if parts else entry
    parsed, _ = parse_annotation(asked, 1, shape, points)
    if parsed is None:
        return None
    keypoints = () if parsed.keypoints is None or not parsed.keypoints[:, 2].any() else parsed.keypoints.tolist()
    return LabelledObject(
        number,
        name,
        tuple(map(float, parsed.box)) if not parts else parts_box(parts),  # type: ignore[arg-type]
        None if parts else MaskWindow.of_counts(parsed.mask, shape),
        parts,
        tuple((x, y, int(v)) for x, y, v in keypoints),
        _attributes(entry, parsed.crowd),
    )


def _outlined(
    entry: dict[str, Any], number: int, name: str, shape: Shape, parts: tuple[Part, ...]
) -> LabelledObject | None:
    box, crowd = parts_box(parts), truth(entry.get("iscrowd"))
    if clip_box(box, shape) is None:
        return None
    return LabelledObject(number, name, box, None, parts, attributes=_attributes(entry, bool(crowd)))


def _attributes(entry: dict[str, Any], crowd: bool) -> frozenset[str]:
    given = entry.get("attributes")
    said = given if isinstance(given, dict) else {}
    attributes = {name for name in ATTRIBUTES if name != CROWD and truth(said.get(name)) is True}
    return frozenset(attributes | ({CROWD} if crowd else set()))


def _parts(segmentation: Any) -> tuple[Part, ...]:
    """The outlines of a polygon; none of run lengths, nor where one of them is no outline."""
    if not segmentation or run_lengths_of(segmentation):
        return ()
    numbers = [finite_numbers(part) for part in polygon_parts(segmentation)]
    if any(part is None or len(part) < SMALLEST or len(part) % 2 for part in numbers):
        return ()
    return tuple((tuple(part.tolist()),) for part in numbers if part is not None)


def entry_of(one: EditedObject, image: Any, ids: dict[str, int], shape: Shape, classes: Classes) -> dict[str, Any]:
    """An object as COCO has it: the entry that it came from, with what was changed.

    Args:
        one: the object.
        image: the id of its image.
        ids: of the classes, by name.
        shape: height and width of its image.
        classes: of the data set.

    Returns:
        Its entry of ``annotations``.
    """
    drawn = one.drawn
    if one.unchanged and one.raw is not None:
        own: dict[str, Any] = one.raw
        return own
    entry: dict[str, Any] = {"id": drawn.id, "image_id": image, **(one.raw or {})}
    entry |= {"category_id": ids[drawn.name], "iscrowd": int(CROWD in drawn.attributes)}
    if one.raw is None or not _is_same_place(one, shape):
        entry |= _place(drawn, shape)
        if "segmentation" in entry and drawn.mask is None and not drawn.parts:
            del entry["segmentation"]
    said = {name: name in drawn.attributes for name in ATTRIBUTES if name != CROWD}
    before = entry.get("attributes") if isinstance(entry.get("attributes"), dict) else None
    if before is not None or any(said.values()):
        kept = {name: value for name, value in said.items() if value or name in (before or {})}
        entry["attributes"] = {**(before or {}), **kept}
    if drawn.keypoints:
        rows = np.array(drawn.keypoints, dtype=np.float64)
        rows[:, :2] = np.where(rows[:, 2:] > 0, rows[:, :2] - PIXEL_CENTRE, 0)
        entry["keypoints"] = [int(v) if k % 3 == 2 else v for k, v in enumerate(rows.ravel().tolist())]
        entry["num_keypoints"] = int((rows[:, 2] > 0).sum())
    elif "keypoints" in entry and classes.keypoint_names:
        entry |= {"keypoints": [0] * 3 * len(classes.keypoint_names), "num_keypoints": 0}
    return entry


def _box_of(parts: tuple[Part, ...]) -> list[float]:
    x1, y1, x2, y2 = parts_box(parts)
    return [x1, y1, x2 - x1, y2 - y1]


def _is_same_place(one: EditedObject, shape: Shape) -> bool:
    """Whether an object covers what its entry says: then the entry's own numbers stay."""
    before = drawn_object(one.raw, one.drawn.id, one.drawn.name, shape, 0)
    return before is not None and before.is_same_place(one.drawn)


def _place(drawn: LabelledObject, shape: Shape) -> dict[str, Any]:
    """Box, area and mask of an object."""
    (x1, y1, x2, y2), counts = drawn.box, drawn.counts(shape)
    place: dict[str, Any] = {"bbox": [x1, y1, x2 - x1, y2 - y1]}
    place["area"] = mask_area(counts, shape) if counts != NO_MASK else (x2 - x1) * (y2 - y1)
    if drawn.parts and not drawn.has_holes():
        place["segmentation"] = [list(part[0]) for part in drawn.parts]
    elif counts != NO_MASK:
        place["segmentation"] = {"size": list(shape), "counts": counts.decode("ascii")}
    return place
