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
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_json, read_lines
from maskrcnn.errors import DataError
from maskrcnn.masks.rasterise import (
    FARTHEST,
    NO_MASK,
    Box,
    ellipse_polygon,
    outline_box,
    polygons_to_mask,
    rectangle_polygon,
    window_to_mask,
)
from maskrcnn.modalities.images.formats.labelme.about import is_labelme
from maskrcnn.modalities.images.labels.drawn_shapes import Shape, join_groups
from maskrcnn.modalities.images.labels.folders import picture_folders, set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, DrawnObject, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, drawn_shape
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.modalities.images.read.pictures import open_picture

LABELS = "labels.txt"  # the classes in order, as `labelme --labels labels.txt` takes them
CROWD_FLAG, BOX_FLAG = "crowd", "box"
NO_CLASSES = ("__ignore__", "_background_")  # labelme's own exporters make no objects of them
POINTS = {"rectangle": 2, "circle": 2, "mask": 1}  # at least; any other shape is closed if it has three corners
OPEN = frozenset({"linestrip", "line", "point", "points"})  # shapes that cover no area
CORNERS = 3


def open_files(path: Path, files: Sequence[Path]) -> Dataset:
    """The images that ``files`` label. ``labels.txt`` beside them gives the classes an order.

    Args:
        path: what was opened.
        files: json files of LabelMe, and perhaps others, which are named and left out.

    Raises:
        DataError: where not one of them can be used.
    """
    problems: list[str] = []
    images = []
    finders: dict[Path, PictureFinder] = {}
    for file in files:
        folder = file.parent
        if folder not in finders:
            finders[folder] = PictureFinder(picture_folders(folder), below=set_folder(folder))
        try:
            images.append(_read_image(file, finders[folder], problems))
        except DataError as error:
            problems.append(str(error))
    if not images:
        raise DataError(f"{path}: none of {len(files)} LabelMe files can be used; the first fault: {problems[0]}")
    problems += [remark for finder in finders.values() for remark in finder.remarks()]
    names = [name for name in read_lines(files[0].parent / LABELS) if name not in NO_CLASSES]
    return drawn_dataset(path, images, problems, names)


def open_content(path: Path, content: Any) -> Dataset:
    """The image that a single file labels; ``content`` is read again, as the files of a folder are."""
    return open_files(path, [path])


def _read_image(file: Path, finder: PictureFinder, problems: list[str]) -> DrawnImage:
    """What one json file says. Raises DataError where it is no LabelMe file or its image is not there."""
    content = read_json(file)
    if not is_labelme(content):
        raise DataError(f"{file} is no LabelMe file (it has no 'shapes' or no 'imagePath') and was left out.")
    image = finder.find(str(content["imagePath"])) or images_by_stem(file.parent).get(file.stem)
    if image is None:
        raise DataError(f"{file} labels {content['imagePath']}, which is not there, and was left out.")
    shape, contradiction = drawn_shape(image, content.get("imageHeight"), content.get("imageWidth"), image.name)
    problems += contradiction
    return DrawnImage(image, image.name, shape, _objects(file, content["shapes"], shape, problems))


def _objects(file: Path, entries: list[Any], spatial_shape: tuple[int, int], problems: list[str]) -> list[DrawnObject]:
    """The objects of one file: shapes of one label and group are one."""
    shapes = []
    for number, entry in enumerate(entries, start=1):
        try:
            shape = read_shape(entry, spatial_shape)
        except ValueError as error:
            problems.append(f"{file}: shape {number} {error} and was left out.")
            continue
        if shape.name in NO_CLASSES:
            problems.append(f"{file}: shape {number} is {shape.name}, which is no class, and was left out.")
            continue
        shapes.append(shape)
    return join_groups(shapes, spatial_shape)


def read_shape(entry: Any, spatial_shape: tuple[int, int]) -> Shape:
    """Raises ValueError, whose text goes on from "shape 3 ...", for what is no area."""
    if not isinstance(entry, dict) or not isinstance(entry.get("label"), str | int):
        raise ValueError("has no label")
    kind = str(entry.get("shape_type") or "polygon")[:30]
    points = entry.get("points")
    rows = [finite_numbers(point, 2) for point in points] if isinstance(points, list) else []
    numbers = [row for row in rows if row is not None]
    least = POINTS.get(kind, CORNERS)
    if kind in OPEN:
        raise ValueError(f"is a {kind}, which covers no area,")
    if len(numbers) < len(rows) or len(numbers) < least:
        raise ValueError(f"is a {kind} without {least} finite points")
    xy = np.stack(numbers)
    if kind == "rectangle" and len(xy) > 2 and not _is_upright(xy):
        kind = "polygon"
    mask, reach = _draw(kind, xy, entry.get("mask"), spatial_shape)
    box = reach if kind == "rectangle" else None
    if mask == NO_MASK and box is None:
        raise ValueError("covers no pixel")
    flags = entry.get("flags")
    flagged = {name for name, value in flags.items() if value is True} if isinstance(flags, dict) else set()
    mask = NO_MASK if box is not None and BOX_FLAG in flagged else mask
    group = None if entry.get("group_id") is None else str(entry["group_id"])
    return Shape(str(entry["label"]), group, mask, box, reach, CROWD_FLAG in flagged)


def _is_upright(xy: np.ndarray) -> bool:
    """Whether all of the points ``[n, 2]`` are corners of their common box, as newer tools write a rectangle."""
    return bool(((np.isclose(xy, xy.min(0))) | np.isclose(xy, xy.max(0))).all())


def _draw(kind: str, xy: np.ndarray, picture: Any, spatial_shape: tuple[int, int]) -> tuple[bytes, Box]:
    """The pixels of a shape with points ``[n, 2]``, and what it reaches before it is cut off at the border."""
    if kind == "mask":
        if np.abs(xy[0]).max() > FARTHEST:
            raise ValueError("lies more than a million pixels away")
        (x, y), window = np.round(xy[0]).astype(int).tolist(), _read_picture(picture)
        reach = (float(x), float(y), float(x + window.shape[1]), float(y + window.shape[0]))
        return window_to_mask(window, (y, x), spatial_shape), reach
    if kind == "circle":
        radius = math.dist(xy[0].tolist(), xy[1].tolist())
        outline = ellipse_polygon(xy[0].tolist(), (radius, radius))
    elif kind == "rectangle":
        outline = rectangle_polygon((*xy.min(0).tolist(), *xy.max(0).tolist()))
    else:
        outline = xy.ravel().tolist()
    return polygons_to_mask([outline], spatial_shape), outline_box([outline])


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
