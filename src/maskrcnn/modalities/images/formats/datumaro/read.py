"""Datumaro's json: ``annotations/SUBSET.json``, and the pictures in ``images/SUBSET/``.

Read from datumaro's own source (``plugins/data_formats/datumaro``): a box is x, y, width and height, a polygon x, y, x,
y ..., an ellipse the corners of its box, and a mask COCO's run lengths. Annotations of one label and one group other
than 0 are one object; a box among them is its box.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import finite_numbers, truth, whole_number
from maskrcnn.errors import DataError
from maskrcnn.masks.rasterise import Box, ellipse_polygon, mask_box, rectangle_polygon
from maskrcnn.modalities.images.labels.drawn_shapes import Shape, join_groups, outline_shape
from maskrcnn.modalities.images.labels.folders import set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, drawn_shape
from maskrcnn.modalities.images.labels.run_lengths import read_run_lengths
from maskrcnn.modalities.images.read.find import images_by_stem

NO_AREA = frozenset({"label", "caption", "points", "polyline", "feature_vector"})


def open_content(path: Path, content: dict[str, Any]) -> Dataset:
    """The items of a subset, ``content`` of the json file ``path``.

    Raises:
        DataError: where none of its pictures is found.
    """
    base, subset = set_folder(path), path.stem
    roots = [base / "images" / subset, base / "images", path.parent, base]
    finder = PictureFinder(roots, below=base, split=subset)
    names = _class_names(content)
    problems: list[str] = []
    images = [image for item in content["items"] if (image := _read_item(item, names, finder, problems)) is not None]
    if not images:
        first = _mapping(content["items"][0]) if content["items"] else {}
        looked = finder.looked_for(_picture_name(first) or str(first.get("id", "")))
        raise DataError(f"None of the {len(content['items'])} images of {path} can be used: {looked}.")
    return drawn_dataset(path, images, problems + finder.remarks(), names)


def _class_names(content: dict[str, Any]) -> list[str]:
    """The labels by number; one that has no name keeps its number."""
    labels = _mapping(_mapping(content.get("categories")).get("label")).get("labels")
    return [str(_mapping(label).get("name") or "") for label in labels] if isinstance(labels, list) else []


def _read_item(item: Any, names: list[str], finder: PictureFinder, problems: list[str]) -> DrawnImage | None:
    own_id, name = str(_mapping(item).get("id", "")), _picture_name(_mapping(item))
    file = (finder.find(name) if name else None) or _by_id(own_id, finder)
    if file is None:
        problems.append(f"{name or own_id or 'An item without a name'} is not there and was left out.")
        return None
    size = _mapping(item.get("image")).get("size")
    height, width = size if isinstance(size, list) and len(size) == 2 else (None, None)
    try:
        spatial_shape, contradiction = drawn_shape(file, height, width, file.name)
    except DataError as error:
        problems.append(f"{file.name} was left out: {error}")
        return None
    problems += contradiction
    entries = item.get("annotations")
    shapes = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        try:
            shapes.append(_read_annotation(_mapping(entry), names, spatial_shape))
        except (TypeError, ValueError) as error:
            problems.append(f"{file.name}: annotation {number} {error} and was left out.")
    return DrawnImage(file, file.name, spatial_shape, join_groups(shapes, spatial_shape, boxes_beside_masks=True))


def _picture_name(item: dict[str, Any]) -> str:
    media = _mapping(item.get("image")) or _mapping(item.get("media"))
    return str(media.get("path") or "")


def _by_id(own_id: str, finder: PictureFinder) -> Path | None:
    """The picture whose path without suffix is the item's id."""
    found = (images_by_stem((root / own_id).parent) for root in finder.roots) if own_id else iter(())
    stem = own_id.rpartition("/")[2]
    return next((images[stem] for images in found if stem in images), None)


def _read_annotation(entry: dict[str, Any], names: list[str], spatial_shape: tuple[int, int]) -> Shape:
    """Raises ValueError, whose text goes on from "annotation 3 ...", for what is no area."""
    kind, label = entry.get("type"), whole_number(entry.get("label_id"))
    if kind in NO_AREA:
        raise ValueError(f"is of the type {kind}, which covers no area,")
    if label is None or not 0 <= label < len(names):
        raise ValueError(f"is of the unknown label {str(entry.get('label_id'))[:20]}")
    name, group = names[label], whole_number(entry.get("group")) or None
    crowd = bool(truth(_mapping(entry.get("attributes")).get("is_crowd")))
    if kind == "mask":
        mask = read_run_lengths(entry.get("rle"), spatial_shape)
        reach = mask_box(mask, spatial_shape)
        if reach is None:
            raise ValueError("covers no pixel")
        return Shape(name, group, mask, None, reach, crowd)
    shape = _read_outline(kind, entry, name, group, spatial_shape)
    return Shape(name, group, shape.mask, shape.box, shape.reach, crowd)


def _read_outline(
    kind: Any, entry: dict[str, Any], name: str, group: int | None, spatial_shape: tuple[int, int]
) -> Shape:
    numbers = finite_numbers(entry.get("bbox") if kind == "bbox" else entry.get("points"))
    if kind not in ("bbox", "polygon", "ellipse"):
        raise ValueError(f"is of the type {str(kind)[:20]}, which is not read,")
    least = 6 if kind == "polygon" else 4
    if numbers is None or len(numbers) < least or len(numbers) % 2 or (least == 4 and len(numbers) != 4):
        raise ValueError(f"is a {kind} without its finite numbers")
    values: list[float] = numbers.tolist()
    if kind == "polygon":
        return outline_shape(name, group, values, spatial_shape)
    x, y, a, b = values
    if kind == "bbox":
        box: Box = (x, y, x + a, y + b)
        return outline_shape(name, group, rectangle_polygon(box), spatial_shape, box)
    radii = (abs(a - x) / 2, abs(b - y) / 2)
    return outline_shape(name, group, ellipse_polygon(((x + a) / 2, (y + b) / 2), radii), spatial_shape)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
