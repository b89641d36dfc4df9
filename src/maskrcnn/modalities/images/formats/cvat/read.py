"""CVAT for images 1.1: ``annotations.xml`` with boxes, polygons, ellipses and brush masks.

Read from CVAT's documentation of the format and from its SDK: coordinates are continuous, a rotation is in degrees
clockwise about the middle, and the run lengths of a mask go along the rows of its own window, beginning with those of
background. Shapes of one label and one ``group_id`` are one object, as in CVAT's own
export to COCO; a box among them is its box.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import finite_numbers, whole_number
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.masks.rasterise import FARTHEST, Box, ellipse_polygon, window_to_mask
from maskrcnn.modalities.images.formats.cvat.about import is_cvat
from maskrcnn.modalities.images.labels.drawn_shapes import Shape, join_groups, outline_shape, turned_rectangle
from maskrcnn.modalities.images.labels.folders import label_files, set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, drawn_shape
from maskrcnn.modalities.images.labels.xml_files import read_xml

SHAPES = ("box", "polygon", "ellipse", "mask")
WAY_OUT = "export the task as 'CVAT for images 1.1', COCO or YOLO"


def open_folder(path: Path) -> Dataset:
    """The images of an xml file, or of the one in a folder.

    Raises:
        DataError: where it is a video, or none of its images is found.
    """
    file = path if is_file(path) else next(file for file in label_files(path, "xml") if is_cvat(file))
    root = read_xml(file)
    entries = root.findall("image")
    if not entries:
        what = "tracks of a video" if root.find("track") is not None else "no image"
        raise DataError(f"{file} holds {what}, and images are read: {WAY_OUT}.")
    problems: list[str] = []
    finder = picture_finder(file, entries)
    images = [image for entry in entries if (image := _read_image(entry, finder, problems)) is not None]
    if not images:
        looked = finder.looked_for(entries[0].get("name", ""))
        raise DataError(f"None of the {len(entries)} images of {file} can be used: {looked}.")
    return drawn_dataset(file, images, problems + finder.remarks(), class_names(root))


def open_file(path: Path) -> Dataset:
    """The images of an xml file, see :func:`open_folder`."""
    return open_folder(path)


def picture_finder(file: Path, entries: list[ElementTree.Element]) -> PictureFinder:
    """Looks for the images of a file, whose ``entries`` may name subsets."""
    base = set_folder(file)
    subsets = dict.fromkeys(entry.get("subset", "") for entry in entries)
    roots = [base / "images" / subset for subset in subsets if subset]
    return PictureFinder([*roots, base / "images", file.parent, base], below=base)


def find_picture(entry: ElementTree.Element, finder: PictureFinder) -> Path | None:
    """The file of an image; None where it is not there."""
    name, subset = entry.get("name", ""), entry.get("subset", "")
    return (finder.exact(f"{subset}/{name}") if subset and name else None) or finder.find(name)


def class_names(root: ElementTree.Element) -> list[str]:
    """Names of the labels that a file lists."""
    names = [name.text or "" for name in root.findall("meta/*/labels/label/name")]
    return names or [name.text or "" for name in root.findall(".//labels/label/name")]


def _read_image(entry: ElementTree.Element, finder: PictureFinder, problems: list[str]) -> DrawnImage | None:
    name = entry.get("name", "")
    file = find_picture(entry, finder)
    if file is None:
        problems.append(f"{name or 'An image without a name'} is not there and was left out.")
        return None
    try:
        spatial_shape, contradiction = drawn_shape(file, entry.get("height"), entry.get("width"), name)
    except DataError as error:
        problems.append(f"{name} was left out: {error}")
        return None
    problems += contradiction
    shapes = []
    for number, element in enumerate((child for child in entry if child.tag != "tag"), start=1):
        try:
            shapes.append(read_shape(element, spatial_shape))
        except ValueError as error:
            problems.append(f"{name}: shape {number} {error} and was left out.")
    return DrawnImage(file, name, spatial_shape, join_groups(shapes, spatial_shape, boxes_beside_masks=True))


def read_shape(element: ElementTree.Element, spatial_shape: tuple[int, int]) -> Shape:
    """Raises ValueError, whose text goes on from "shape 3 ...", for what is no area."""
    name, group = element.get("label"), element.get("group_id")
    group = None if group in (None, "", "0") else group
    if element.tag not in SHAPES:
        raise ValueError(f"is a {element.tag}, which is not read from this format,")
    if name is None:
        raise ValueError("has no label")
    if element.tag == "mask":
        mask, reach = _read_mask(element, spatial_shape)
        return Shape(name, group, mask, None, reach)
    turned = _numbers(element, "rotation", default="0")[0]
    if element.tag == "box":
        x1, y1, x2, y2 = _numbers(element, "xtl", "ytl", "xbr", "ybr")
        box: Box = (x1, y1, x2, y2)
        outline = turned_rectangle(box, turned, ((x1 + x2) / 2, (y1 + y2) / 2))
        return outline_shape(name, group, outline, spatial_shape, None if turned else box)
    if element.tag == "ellipse":
        x, y, a, b = _numbers(element, "cx", "cy", "rx", "ry")
        if min(a, b) <= 0:
            raise ValueError("is an ellipse without radii")
        return outline_shape(name, group, ellipse_polygon((x, y), (a, b), math.radians(turned)), spatial_shape)
    points = finite_numbers(re.split("[;,]", element.get("points", "")))
    if points is None or len(points) < 6 or len(points) % 2:
        raise ValueError("is a polygon without three finite points")
    return outline_shape(name, group, points.tolist(), spatial_shape)


def _read_mask(element: ElementTree.Element, spatial_shape: tuple[int, int]) -> tuple[bytes, Box]:
    """The pixels of a brush mask, and its window."""
    window = [whole_number(element.get(side)) for side in ("left", "top", "width", "height")]
    runs = [whole_number(run) for run in element.get("rle", "").split(",")]
    if None in window or None in runs:
        raise ValueError("is a mask of which the window or the run lengths are no whole numbers")
    left, top, width, height = (side or 0 for side in window)
    lengths = np.array([run or 0 for run in runs], dtype=np.int64)
    if max(abs(left), abs(top), width, height) > FARTHEST or width * height > spatial_shape[0] * spatial_shape[1] * 4:
        raise ValueError("is a mask far larger than its image")
    if (lengths < 0).any() or lengths.sum() != width * height:
        raise ValueError(f"is a mask whose run lengths are not those of {width} x {height} pixels")
    covered = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(height, width)
    if not covered.any():
        raise ValueError("covers no pixel")
    reach = (float(left), float(top), float(left + width), float(top + height))
    return window_to_mask(covered, (top, left), spatial_shape), reach


def _numbers(element: ElementTree.Element, *names: str, default: str | None = None) -> list[float]:
    numbers = finite_numbers([element.get(name, default) for name in names], len(names))
    if numbers is None:
        raise ValueError(f"has no finite {', '.join(names)}")
    values: list[float] = numbers.tolist()
    return values
