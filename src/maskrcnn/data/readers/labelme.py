"""LabelMe: a json file beside each image, with polygons, rectangles, circles and brush masks.

Read from labelme's own source (``_label_file.py``, ``_utils/shape.py`` and the exporters in ``examples/``): points are
pixels of the upright image, ``imagePath`` is relative to the json file, a ``mask`` shape holds a PNG in base64 whose
first pixel lies at its first point, and shapes of one label and one ``group_id`` are one object. Two of a shape's
``flags`` mean something here: ``crowd``, and ``box`` for a rectangle that is no mask.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.images import image_shape, open_picture
from maskrcnn.data.labelled import (
    DrawnImage,
    DrawnObject,
    drawn_dataset,
    find_file,
    finite_numbers,
    read_json,
    read_lines,
)
from maskrcnn.data.records import Dataset
from maskrcnn.data.shapes import NO_MASK, ellipse_polygon, polygons_to_mask, rectangle_polygon, unite, window_to_mask
from maskrcnn.errors import DataError

LABELS = "labels.txt"  # the classes in order, as `labelme --labels labels.txt` takes them
CROWD_FLAG, BOX_FLAG = "crowd", "box"
NO_CLASSES = ("__ignore__", "_background_")  # labelme's own exporters make no objects of them
POINTS = {"polygon": 3, "rectangle": 2, "circle": 2, "mask": 1, "oriented_rectangle": 4, "linestrip": 0, "line": 0}


def is_labelme(content: Any) -> bool:
    """Whether the content of a json file is that of LabelMe."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def open_labelme(path: Path, files: Sequence[Path]) -> Dataset:
    """The images that ``files`` label. ``labels.txt`` beside them gives the classes an order.

    Args:
        path: what was opened.
        files: json files of LabelMe, and perhaps others, which are named and left out.

    Raises:
        DataError: where not one of them can be used.
    """
    problems: list[str] = []
    images = []
    for file in files:
        try:
            images.append(_read_image(file, problems))
        except DataError as error:
            problems.append(str(error))
    if not images:
        raise DataError(f"{path}: none of {len(files)} LabelMe files can be used; the first fault: {problems[0]}")
    names = [name for name in read_lines(files[0].parent / LABELS) if name not in NO_CLASSES]
    return drawn_dataset(path, images, problems, names)


def _read_image(file: Path, problems: list[str]) -> DrawnImage:
    """What one json file says. Raises DataError where it is no LabelMe file or its image is not there."""
    content = read_json(file)
    if not is_labelme(content):
        raise DataError(f"{file} is no LabelMe file (it has no 'shapes' or no 'imagePath') and was left out.")
    image = find_file(str(content["imagePath"]), [file.parent])
    if image is None:
        raise DataError(f"{file} labels {content['imagePath']}, which is not there, and was left out.")
    height, width = content.get("imageHeight"), content.get("imageWidth")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        spatial_shape = (height, width)
    else:
        spatial_shape = image_shape(image)
    return DrawnImage(image, image.name, spatial_shape, _join(file, content["shapes"], spatial_shape, problems))


@dataclass(frozen=True)
class _Shape:
    """One shape as a mask; ``box`` is that of a rectangle."""

    label: str
    group: Any
    mask: bytes
    box: tuple[float, ...] | None
    crowd: bool


def _join(file: Path, shapes: list[Any], spatial_shape: tuple[int, int], problems: list[str]) -> list[DrawnObject]:
    """The objects of one file: shapes of one label and group are one."""
    groups: dict[Any, list[_Shape]] = {}
    for number, entry in enumerate(shapes, start=1):
        try:
            shape = _read_shape(entry, spatial_shape)
        except ValueError as error:
            problems.append(f"{file}: shape {number} {error} and was left out.")
            continue
        if shape.label in NO_CLASSES:
            problems.append(f"{file}: shape {number} is {shape.label}, which is no class, and was left out.")
            continue
        key = (shape.label, number, None) if shape.group is None else (shape.label, None, str(shape.group))
        groups.setdefault(key, []).append(shape)
    objects = []
    for parts in groups.values():
        lone = parts[0].box if len(parts) == 1 else None
        box = None if lone is None else (lone[0], lone[1], lone[2], lone[3])
        mask = unite([part.mask for part in parts], spatial_shape)
        is_rectangle = box is not None and mask != NO_MASK
        objects.append(DrawnObject(parts[0].label, box, mask, is_rectangle, crowd=any(part.crowd for part in parts)))
    return objects


def _read_shape(entry: Any, spatial_shape: tuple[int, int]) -> _Shape:
    """Raises ValueError, whose text goes on from "shape 3 ...", for what is no area."""
    if not isinstance(entry, dict) or not isinstance(entry.get("label"), str | int):
        raise ValueError("has no label")
    kind = entry.get("shape_type") or "polygon"
    points = entry.get("points")
    rows = [finite_numbers(point, 2) for point in points] if isinstance(points, list) else []
    numbers = [row for row in rows if row is not None]
    if kind not in POINTS or not POINTS[kind]:
        raise ValueError(f"is a {kind}, which covers no area,")
    if len(numbers) < len(rows) or len(numbers) < POINTS[kind]:
        raise ValueError(f"is a {kind} without {POINTS[kind]} finite points")
    xy = np.stack(numbers)
    mask, box = _draw(kind, xy, entry.get("mask"), spatial_shape)
    if mask == NO_MASK and box is None:
        raise ValueError("covers no pixel")
    flags = entry.get("flags")
    flagged = {name for name, value in flags.items() if value is True} if isinstance(flags, dict) else set()
    mask = NO_MASK if box is not None and BOX_FLAG in flagged else mask
    return _Shape(str(entry["label"]), entry.get("group_id"), mask, box, CROWD_FLAG in flagged)


def _draw(
    kind: str, xy: np.ndarray, picture: Any, spatial_shape: tuple[int, int]
) -> tuple[bytes, tuple[float, ...] | None]:
    """The pixels of a shape with points ``[n, 2]``, and the box of a rectangle."""
    if kind == "mask":
        x, y = np.round(xy[0]).astype(int).tolist()
        return window_to_mask(_read_picture(picture), (y, x), spatial_shape), None
    if kind == "circle":
        radius = math.dist(xy[0].tolist(), xy[1].tolist())
        return polygons_to_mask([ellipse_polygon(xy[0].tolist(), (radius, radius))], spatial_shape), None
    if kind == "rectangle":
        box = (*xy.min(0).tolist(), *xy.max(0).tolist())
        return polygons_to_mask([rectangle_polygon(box)], spatial_shape), box
    return polygons_to_mask([xy.ravel().tolist()], spatial_shape), None


def _read_picture(text: Any) -> np.ndarray:
    """Boolean ``[h, w]`` from a PNG in base64."""
    try:
        content = base64.b64decode(text, validate=True)
        with open_picture(io.BytesIO(content), "the mask", len(content)) as picture:
            return np.asarray(picture.convert("L")) > 0 if picture.mode != "1" else np.asarray(picture)
    except DataError:
        raise ValueError("has a mask of too many pixels") from None
    except (TypeError, ValueError, binascii.Error, OSError, SyntaxError):
        raise ValueError("has a mask that is no picture") from None
