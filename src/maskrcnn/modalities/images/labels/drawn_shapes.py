"""Shapes as labelling tools draw them, and the objects that several of one group make up together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.masks.rasterise import NO_MASK, Box, outline_box, polygons_to_mask, rectangle_polygon, unite
from maskrcnn.modalities.images.labels.gather import DrawnObject


@dataclass(frozen=True)
class Shape:
    """One shape.

    Attributes:
        name: of its class.
        group: shapes of one name and one group are one object; None: an object of its own.
        mask: its pixels, as compressed run lengths, or ``NO_MASK``.
        box: of a rectangle; None of other outlines.
        reach: of any outline, before it was cut off at the image's border.
        crowd: whether it covers several objects that nobody separated.
    """

    name: str
    group: Hashable
    mask: bytes
    box: Box | None
    reach: Box
    crowd: bool = False


def join_groups(
    shapes: Sequence[Shape], spatial_shape: tuple[int, int], boxes_beside_masks: bool = False
) -> list[DrawnObject]:
    """The objects that ``shapes`` are, in the order of their first parts.

    Args:
        shapes: of one image, in order.
        spatial_shape: height and width of the image.
        boxes_beside_masks: a rectangle in a group with other outlines is the box of their object, and no part of it;
            so is one without a group that is the box of an outline without a group.

    Returns:
        The objects.
    """
    shapes = _without_twins(shapes) if boxes_beside_masks else shapes
    groups: dict[Hashable, list[Shape]] = {}
    for number, shape in enumerate(shapes):
        key = (shape.name, None, number) if shape.group is None else (shape.name, shape.group)
        groups.setdefault(key, []).append(shape)
    return [_join(parts, spatial_shape, boxes_beside_masks) for parts in groups.values()]


def _without_twins(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes but for rectangles that are, to a pixel, the box of an outline of the same name, both without a group:
    data sets of boxes and outlines are written so where nobody said which belong together."""
    alone = [shape for shape in shapes if shape.group is None and shape.box is None]
    reaches: dict[str, list[Box]] = {}
    for shape in alone:
        reaches.setdefault(shape.name, []).append(shape.reach)
    return [shape for shape in shapes if not is_twin(shape, reaches.get(shape.name, []))]


def is_twin(shape: Shape, reaches: list[Box]) -> bool:
    """Whether a rectangle without a group is, to a pixel, the box of one of these outlines."""
    if shape.group is not None or shape.box is None:
        return False
    return any(_agree(shape.box, reach) for reach in reaches)


def _agree(first: Box, second: Box) -> bool:
    return max(abs(a - b) for a, b in zip(first, second)) <= 1


def _join(parts: list[Shape], spatial_shape: tuple[int, int], boxes_beside_masks: bool) -> DrawnObject:
    name, crowd = parts[0].name, any(part.crowd for part in parts)
    outlines = [part for part in parts if part.box is None]
    boxes = [part.box for part in parts if part.box is not None]
    if boxes_beside_masks and outlines and len(boxes) == 1:
        mask = unite([part.mask for part in outlines], spatial_shape)
        return DrawnObject(name, boxes[0], mask, crowd=crowd)
    box = parts[0].box if len(parts) == 1 else None
    mask = unite([part.mask for part in parts], spatial_shape)
    reach = outline_box([part.reach for part in parts])
    return DrawnObject(name, box, mask, box is not None and mask != NO_MASK, crowd=crowd, drawn=reach)


def outline_shape(
    name: str, group: Hashable, outline: Sequence[float], spatial_shape: tuple[int, int], box: Box | None = None
) -> Shape:
    """The shape of a polygon ``[x, y, x, y, ...]``, with ``box`` if it is a rectangle.

    Args:
        name: of its class.
        group: shapes of one group are one object.
        outline: ``[x, y, x, y, ...]`` in pixels.
        spatial_shape: (height, width) of the image.
        box: ``(x1, y1, x2, y2)`` in pixels, of a rectangle; None: a polygon.

    Returns:
        The shape, with its mask.

    Raises:
        ValueError: where it covers no pixel or lies absurdly far; the text goes on from "shape 3".
    """
    mask = polygons_to_mask([outline], spatial_shape)
    if mask == NO_MASK and box is None:
        raise ValueError("covers no pixel")
    return Shape(name, group, mask, box, outline_box([outline]))


def turned_rectangle(box: Box, degrees: float, pivot: Sequence[float]) -> list[float]:
    """The corners ``[x, y, ...]`` of a box that is turned about ``pivot``, clockwise as seen on a
    screen.

    Args:
        box: ``(x1, y1, x2, y2)`` in pixels, before it is turned.
        degrees: clockwise as seen on a screen.
        pivot: ``(x, y)`` in pixels, where the box is held.

    Returns:
        The four corners ``[x, y, x, y, ...]`` in pixels.
    """
    corners = np.reshape(rectangle_polygon(box), (4, 2)) - np.asarray(pivot)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = corners @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(pivot)
    coordinates: list[float] = turned.ravel().tolist()
    return coordinates
