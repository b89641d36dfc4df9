"""VGG Image Annotator, version 2 and older: projects, annotations as json, annotations as csv.

Read from VIA's own source (the import and export functions of ``via.js``, and its notes on COCO export): a region has
``shape_attributes`` (rect, circle, ellipse with an angle in radians, polygon, polyline, point) in pixels and
``region_attributes``, of which one is the class; its value is a text, or, for a checkbox, ``{"option": true}``.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_text
from maskrcnn.errors import DataError
from maskrcnn.masks.rasterise import NO_MASK, Box, ellipse_polygon, outline_box, polygons_to_mask, rectangle_polygon
from maskrcnn.modalities.images.formats.via.about import COLUMNS, PROJECT, SETTINGS
from maskrcnn.modalities.images.labels.folders import set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, DrawnObject, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, find_place
from maskrcnn.modalities.images.read.pictures import image_shape

LIKELY_CLASSES = ("class", "classes", "label", "category", "name", "type", "object", "object_name", "species")
CORNERS = 3
LONGEST_CELL = 2**31 - 1  # letters; an outline may be longer than the 131,072 that are usual


def open_content(path: Path, content: dict[str, Any]) -> Dataset:
    """The images of a project or of exported annotations, ``content`` of the json file ``path``."""
    folders = [path.parent, path.parent / "images"]
    settings = content.get(SETTINGS)
    if isinstance(settings, dict):
        default = str(_mapping(settings.get("core")).get("default_filepath") or "")
        place = find_place(default, [path.parent]) if default else None
        folders += [place] if place is not None else []
    entries = content.get(PROJECT, content)
    return _open(path, list(_entries(entries)), folders)


def open_file(path: Path) -> Dataset:
    """The images of annotations exported as csv: one row for each region, or one without region for an image."""
    images: dict[str, _Entry] = {}
    try:
        text = read_text(path).lstrip("#")
        csv.field_size_limit(LONGEST_CELL)
        rows = list(csv.DictReader(io.StringIO(text)))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as csv ({error}); export it again.") from error
    for row in rows:
        name = row.get("filename") or ""
        entry = images.setdefault(name, _Entry(name, []))
        shape, attributes = (_parse(row.get(column)) for column in COLUMNS[1:])
        if shape is None or attributes is None:
            entry.regions.append({})
        elif shape:
            entry.regions.append({"shape_attributes": shape, "region_attributes": attributes})
    return _open(path, list(images.values()), [path.parent, path.parent / "images"])


@dataclass(frozen=True)
class _Entry:
    """An image as VIA lists it."""

    file_name: str
    regions: list[Any]


def _entries(entries: Any) -> Iterator[_Entry]:
    """Regions come as a list, or, before version 2, as a table of numbers."""
    for entry in _mapping(entries).values():
        regions = _mapping(entry).get("regions") or []
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        yield _Entry(str(_mapping(entry).get("filename", "")), regions if isinstance(regions, list) else [])


def _open(path: Path, entries: list[_Entry], folders: list[Path]) -> Dataset:
    problems: list[str] = []
    attribute = _class_attribute(entries)
    images = []
    finder = PictureFinder(folders, below=set_folder(path))
    missing = ""
    for entry in entries:
        file = finder.find(entry.file_name)
        if file is None:
            problems.append(f"{entry.file_name or 'An image without a name'} is not there and was left out.")
            missing = missing or entry.file_name
            continue
        try:
            image = DrawnImage(file, entry.file_name, image_shape(file))
        except DataError as error:
            problems.append(f"{entry.file_name} was left out: {error}")
            continue
        for number, region in enumerate(entry.regions, start=1):
            try:
                image.objects.append(_read_region(region, attribute, image.spatial_shape))
            except ValueError as error:
                problems.append(f"{entry.file_name}: region {number} {error} and was left out.")
        images.append(image)
    if not images:
        why = finder.looked_for(missing) if missing else (problems or ["it names none"])[0].rstrip(".")
        raise DataError(f"None of the {len(entries)} images of {path} can be used: {why}.")
    problems += finder.remarks()
    unnamed = sum(drawn.name == UNNAMED for image in images for drawn in image.objects)
    if attribute and unnamed:
        problems.append(f"Regions without {attribute!r} are of the class {UNNAMED!r} ({unnamed}).")
    return drawn_dataset(path, images, problems)


def _class_attribute(entries: list[_Entry]) -> str:
    """The attribute that names the class: the one that most regions have, of several a usual name; or none."""
    counts: Counter[str] = Counter()
    for entry in entries:
        for region in entry.regions:
            attributes = _mapping(_mapping(region).get("region_attributes"))
            counts.update(name for name, value in attributes.items() if _text(value))
    rank = {name: k for k, name in enumerate(reversed(LIKELY_CLASSES), start=1)}
    return max(
        sorted(counts), key=lambda name: (rank.get(name.lower(), 0) > 0, counts[name], rank.get(name, 0)), default=""
    )


def _text(value: Any) -> str:
    """The text of an attribute's value; of a checkbox, the options that are chosen."""
    if isinstance(value, dict):
        return " ".join(str(name) for name, chosen in value.items() if chosen)
    return "" if value is None else str(value).strip()


def _read_region(region: Any, attribute: str, spatial_shape: tuple[int, int]) -> DrawnObject:
    """Raises ValueError, whose text goes on from "region 3 ...", for what is no area."""
    shape = _mapping(_mapping(region).get("shape_attributes"))
    name = _text(_mapping(_mapping(region).get("region_attributes")).get(attribute)) or UNNAMED
    kind = shape.get("name")
    if kind == "rect":
        x, y, width, height = _numbers(shape, "x", "y", "width", "height")
        box: Box = (x, y, x + width, y + height)
        return DrawnObject(name, box, polygons_to_mask([rectangle_polygon(box)], spatial_shape), is_rectangle=True)
    outline = _outline(kind, shape)
    mask = polygons_to_mask([outline], spatial_shape)
    if mask == NO_MASK:
        raise ValueError("covers no pixel")
    return DrawnObject(name, None, mask, drawn=outline_box([outline]))


def _outline(kind: Any, shape: dict[str, Any]) -> list[float]:
    """The polygon ``[x, y, ...]`` of any shape but a rectangle; a line of three or more points is closed."""
    if kind == "circle":
        x, y, radius = _numbers(shape, "cx", "cy", "r")
        return ellipse_polygon((x, y), (radius, radius))
    if kind == "ellipse":
        x, y, a, b = _numbers(shape, "cx", "cy", "rx", "ry")
        return ellipse_polygon((x, y), (a, b), _numbers({"theta": 0, **shape}, "theta")[0])
    if kind not in ("polygon", "polyline"):
        raise ValueError(f"is a {kind}, which covers no area," if kind else "has no shape")
    x_all, y_all = (finite_numbers(shape.get(f"all_points_{axis}")) for axis in "xy")
    if x_all is None or y_all is None or len(x_all) != len(y_all) or len(x_all) < CORNERS:
        raise ValueError(f"is a {kind} without three finite points")
    coordinates: list[float] = np.stack([x_all, y_all], axis=1).ravel().tolist()
    return coordinates


def _numbers(shape: dict[str, Any], *names: str) -> list[float]:
    numbers = finite_numbers([shape.get(name) for name in names], len(names))
    if numbers is None or any(value < 0 for name, value in zip(names, numbers) if name in ("r", "rx", "ry")):
        raise ValueError(f"has no finite {', '.join(names)}")
    values: list[float] = numbers.tolist()
    return values


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _parse(text: str | None) -> dict[str, Any] | None:
    """A cell of the csv file; None where it is no json."""
    try:
        return _mapping(json.loads(text or "{}"))
    except (ValueError, RecursionError):
        return None
