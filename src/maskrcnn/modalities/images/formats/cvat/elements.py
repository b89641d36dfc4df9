"""The elements of one image of CVAT's xml as objects that are edited, and objects as elements."""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from itertools import count
from typing import Any
from xml.etree import ElementTree

import numpy as np

from maskrcnn.masks.rasterise import NO_MASK, unite
from maskrcnn.modalities.images.formats.cvat.read import read_shape
from maskrcnn.modalities.images.formats.cvat.write import mask_attributes
from maskrcnn.modalities.images.labels.conversion_loss import KEYPOINTS
from maskrcnn.modalities.images.labels.drawn_shapes import Shape as Drawn
from maskrcnn.modalities.images.labels.drawn_shapes import is_twin
from maskrcnn.modalities.images.labels.editable import (
    ATTRIBUTES,
    EditedObject,
    LabelledObject,
    MaskWindow,
    Shape,
    parts_box,
)
from maskrcnn.modalities.images.labels.in_place.xml_text import element_of, text_of

TRUE = ("true", "1", "yes")
CORNERS = ("xtl", "ytl", "xbr", "ybr")
MARKS = "objects whose marks (crowd, truncated, difficult) the labels of CVAT have no attributes for"


def objects_in(texts: list[str], shape: Shape) -> list[EditedObject | str]:
    """What the elements of an image are, in order: objects, or what nobody can draw, as it is."""
    drawn: dict[int, tuple[ElementTree.Element, Drawn]] = {}
    for number, text in enumerate(texts):
        try:
            element = element_of(text)
            drawn[number] = element, read_shape(element, shape)
        except ValueError:
            continue
    outlines = {number: one for number, (_, one) in drawn.items() if one.box is None and one.group is None}
    keys: dict[int, Any] = {}
    for number, (_, one) in drawn.items():
        around = (k for k, other in outlines.items() if other.name == one.name and is_twin(one, [other.reach]))
        keys[number] = (one.name, one.group) if one.group is not None else next(around, number)
    groups: dict[Any, list[int]] = {}
    for number, key in keys.items():
        groups.setdefault(key, []).append(number)
    ids = {key: k for k, key in enumerate(groups, start=1)}
    found: list[EditedObject | str] = []
    for number, text in enumerate(texts):
        if number not in keys:
            found.append(text)
        elif groups[keys[number]][0] == number:
            members = groups[keys[number]]
            whole = _object([drawn[k] for k in members], ids[keys[number]], shape)
            found.append(EditedObject(whole, [texts[k] for k in members], unchanged=True))
    return found


def _object(members: list[tuple[ElementTree.Element, Drawn]], number: int, shape: Shape) -> LabelledObject:
    first, name = members[0][0], members[0][1].name
    said = {child.get("name"): (child.text or "").strip().lower() for child in first.iter("attribute")}
    marks = frozenset(mark for mark in ATTRIBUTES if said.get(mark) in TRUE)
    order = first.get("z_order", "0").strip()
    z = int(order) if re.fullmatch(r"-?\d{1,6}", order) else 0
    areas = [(element, one) for element, one in members if one.box is None]
    boxes = [one.box for _, one in members if one.box is not None]
    if not areas and len(boxes) == 1:
        return LabelledObject(number, name, boxes[0], attributes=marks, z=z)
    areas = areas or members
    if all(element.tag == "polygon" for element, _ in areas):
        parts = tuple((tuple(map(float, re.split("[;,]", element.get("points", "")))),) for element, _ in areas)
        return LabelledObject(number, name, parts_box(parts), None, parts, attributes=marks, z=z)
    mask = MaskWindow.of_counts(unite([one.mask for _, one in areas], shape), shape)
    box = areas[0][1].reach if mask is None else tuple(map(float, mask.box))
    return LabelledObject(number, name, box, mask, attributes=marks, z=z)  # type: ignore[arg-type]


def elements_of(one: EditedObject, shape: Shape, free: count[int], lost: Counter[str]) -> list[str]:
    """An object as CVAT has it: the elements that it came from, with what was changed.

    Args:
        one: the object.
        shape: height and width of its image.
        free: gives numbers of groups that no shape has.
        lost: counts what cannot be held.

    Returns:
        The text of each element.
    """
    drawn, raw = one.drawn, list(one.raw or [])
    lost[KEYPOINTS] += bool(drawn.keypoints)
    before = objects_in(raw, shape)[0] if raw else None
    was = before.drawn if isinstance(before, EditedObject) else None
    if was is not None and (one.unchanged or was.is_same_place(drawn)):
        if one.unchanged and was.z == drawn.z:
            return raw
        elements = [element_of(text) for text in raw]
    else:
        elements = _placed(drawn, [element_of(text) for text in raw], shape, free)
    for element in elements:
        element.set("label", drawn.name)
        element.set("z_order", str(drawn.z))
        held = {child.get("name"): child for child in element.iter("attribute")}
        for mark in held.keys() & set(ATTRIBUTES):
            if (mark in drawn.attributes) != ((held[mark].text or "").strip().lower() in TRUE):
                held[mark].text = "true" if mark in drawn.attributes else "false"
        lost[MARKS] += element is elements[0] and bool(drawn.attributes - held.keys())
    return [text_of(element) for element in elements]


def _placed(
    drawn: LabelledObject, raw: list[ElementTree.Element], shape: Shape, free: count[int]
) -> list[ElementTree.Element]:
    """The elements of an object that lies elsewhere than before."""
    said = {"label": drawn.name, "source": "manual", "occluded": raw[0].get("occluded", "0") if raw else "0"}
    group = raw[0].get("group_id") if raw else None
    kept = [element for element in raw if element.tag == "box"]
    boxes = kept if len(kept) < len(raw) and not any(element.get("rotation") for element in kept) else []
    counts = drawn.counts(shape)
    if drawn.parts and not drawn.has_holes():
        group = group or (str(next(free)) if len(drawn.parts) > 1 else None)
        places = [("polygon", {"points": _points(part[0])}) for part in drawn.parts]
    elif counts != NO_MASK:
        window = MaskWindow.of_counts(counts, shape)
        assert window is not None
        places = [("mask", mask_attributes(window.regions(shape), 0))]
    else:
        places, boxes = [("box", _corners(drawn))], []
    said |= {"group_id": group} if group else {}
    elements = []
    for tag, place in places:
        element = deepcopy(raw[0]) if raw else ElementTree.Element(tag)
        element.tag, element.attrib = tag, {**said, **place}
        elements.append(element)
    for element in boxes:
        element.attrib |= _corners(drawn)
    return elements + boxes


def _corners(drawn: LabelledObject) -> dict[str, str]:
    return dict(zip(CORNERS, map(_number, drawn.box)))


def _points(ring: tuple[float, ...]) -> str:
    return ";".join(",".join(map(_number, point)) for point in np.reshape(ring, (-1, 2)).tolist())


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
