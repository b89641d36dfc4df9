"""Label Studio's json (JSON and JSON-MIN): rectangles, polygons, ellipses and brush masks.

Read from Label Studio's documentation of its results and from label-studio-sdk (``converter/brush.py``): coordinates
are per cent of the picture's width and height, a rectangle turns about its upper left corner, an ellipse about its
middle, and a brush mask is the opacity of a painted layer, packed in runs of bits. A rectangle that is the box of an
outline of its class is no object of its own: converters from COCO write both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.data.parsing.numbers import finite_numbers, whole_number
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.masks.rasterise import Box, ellipse_polygon, window_to_mask
from maskrcnn.modalities.images.formats.label_studio.about import is_regions
from maskrcnn.modalities.images.formats.label_studio.brush import unpack_opacity
from maskrcnn.modalities.images.labels.drawn_shapes import Shape, join_groups, outline_shape, turned_rectangle
from maskrcnn.modalities.images.labels.folders import set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder
from maskrcnn.modalities.images.labels.xml_files import read_xml
from maskrcnn.modalities.images.read.find import is_image
from maskrcnn.modalities.images.read.pictures import image_shape

USUAL_KEYS = ("image", "img", "picture", "photo", "url")  # under which the data of a task name its picture
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # Label Studio puts it before the name of an uploaded file
KINDS = {"rectangle": "rectangle", "polygon": "polygon", "ellipse": "ellipse", "brush": "brush"}
KINDS |= {f"{kind}labels": kind for kind in KINDS}


def open_content(path: Path, content: Any) -> Dataset:
    """The pictures of all tasks that somebody labelled, ``content`` of the json file ``path``.

    Raises:
        DataError: where no task is labelled, or none of the pictures is found.
    """
    tasks = [_Task.of(task) for task in (content if isinstance(content, list) else [content])]
    labelled = [task for task in tasks if task.results is not None]
    problems: list[str] = []
    if len(labelled) < len(tasks):
        problems.append(f"Tasks that nobody labelled were left out ({len(tasks) - len(labelled)} of {len(tasks)}).")
    several = sum(task.annotators > 1 for task in labelled)
    if several:
        problems.append(
            "Of pictures with several annotations, the one marked as ground truth, or else the last, counts as their "
            f"labels ({several})."
        )
    base = set_folder(path)
    finder = PictureFinder([base / "images", path.parent, base], below=base)
    images = [image for task in labelled if (image := _read_task(task, finder, problems)) is not None]
    if not labelled:
        raise DataError(f"{path} holds {len(tasks)} tasks of Label Studio, of which nobody has labelled any.")
    if not images:
        raise DataError(
            f"None of the {len(labelled)} pictures of {path} can be used: {finder.looked_for(labelled[0].picture)}. "
            "Label Studio's json names pictures of its own server; copy them into a folder images beside it."
        )
    return drawn_dataset(path, images, problems + finder.remarks(), _names_beside(path))


def _names_beside(path: Path) -> list[str]:
    """The classes of the labelling setup beside the tasks, in its order; none where there is no setup."""
    setup = path.with_name(SETUP)
    if not is_file(setup):
        return []
    values = [element.get("value") or "" for element in read_xml(setup).iter("Label")]
    return list(dict.fromkeys(value for value in values if value))


SETUP = "label_config.xml"


@dataclass(frozen=True)
class _Task:
    """What a task says.

    Attributes:
        picture: its name.
        results: of the annotation that counts; None if there is none.
        annotators: how many annotations there are.
    """

    picture: str
    results: list[Any] | None
    annotators: int = 1

    @staticmethod
    def of(task: dict[str, Any]) -> _Task:
        if not isinstance(task.get("data"), dict):  # JSON-MIN
            regions = [value for value in task.values() if is_regions(value)]
            return _Task(_picture_name(task), [region for found in regions for region in found])
        annotations = task.get("annotations", task.get("completions"))
        done = [a for a in annotations if _is_done(a)] if isinstance(annotations, list) else []
        if not done:
            return _Task(_picture_name(task["data"]), None, 0)
        counts = next((annotation for annotation in done if annotation.get("ground_truth")), done[-1])
        return _Task(_picture_name(task["data"]), counts["result"], len(done))


def _is_done(annotation: Any) -> bool:
    is_whole = isinstance(annotation, dict) and isinstance(annotation.get("result"), list)
    return is_whole and not annotation.get("was_cancelled")


def _picture_name(data: dict[str, Any]) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    usual = next((texts[key] for key in USUAL_KEYS if key in texts), None)
    return usual or next((text for text in texts.values() if is_image(text.partition("?")[0])), "")


def _read_task(task: _Task, finder: PictureFinder, problems: list[str]) -> DrawnImage | None:
    file = _find(task.picture, finder)
    if file is None:
        problems.append(f"{task.picture or 'A picture without a name'} is not there and was left out.")
        return None
    regions = list(_regions(task.results or []))
    try:
        spatial_shape = _frame(file, regions)
    except DataError as error:
        problems.append(f"{file.name} was left out: {error}")
        return None
    shapes = []
    for number, region in enumerate(regions, start=1):
        try:
            shapes += [_read_region(region, name, spatial_shape) for name in region.names or [UNNAMED]]
        except ValueError as error:
            problems.append(f"{file.name}: region {number} {error} and was left out.")
    return DrawnImage(file, file.name, spatial_shape, join_groups(shapes, spatial_shape, boxes_beside_masks=True))


def _find(name: str, finder: PictureFinder) -> Path | None:
    """The picture, under the name that the server gave it or under its own."""
    found = finder.find(name)
    folder, _, last = name.replace("\\", "/").rpartition("/")
    own = UPLOADED.sub("", last)
    return found or (finder.find(f"{folder}/{own}") if own != last else None)


@dataclass
class _Region:
    """What all results of one id say together: a shape from one, names of classes from it or from another."""

    kind: str = ""
    value: dict[str, Any] = field(default_factory=dict)
    size: tuple[Any, Any] = (None, None)  # height, width
    turned: Any = 0
    names: list[str] = field(default_factory=list)


def _regions(results: list[Any]) -> Iterator[_Region]:
    """The regions in order; relations, choices and texts of the whole picture are none."""
    regions: dict[Any, _Region] = {}
    for number, result in enumerate(results):
        if not isinstance(result, dict):
            continue
        value = result["value"] if isinstance(result.get("value"), dict) else result
        region = regions.setdefault(str(result.get("id", number)), _Region())
        kind = KINDS.get(str(result.get("type", "")).lower()) or next((KINDS[key] for key in KINDS if key in value), "")
        if kind or str(result.get("type", "")).lower() in ("keypoint", "keypointlabels", "video", "videorectangle"):
            region.kind, region.value = kind or str(result["type"]), value
            region.size = (result.get("original_height"), result.get("original_width"))
            region.turned = result.get("image_rotation", 0)
        names = next((value[key] for key in value if key == "labels" or key in KINDS), None)
        region.names += [str(name) for name in names] if isinstance(names, list) and not region.names else []
    return (region for region in regions.values() if region.kind)


def _frame(file: Path, regions: list[_Region]) -> tuple[int, int]:
    """The picture's own size, or that unturned if it is what was labelled; per cent are of either."""
    own, unturned = image_shape(file), image_shape(file, upright=False)
    stated = {tuple(map(whole_number, region.size)) for region in regions}
    return unturned if stated == {unturned} else own


def _read_region(region: _Region, name: str, spatial_shape: tuple[int, int]) -> Shape:
    """Raises ValueError, whose text goes on from "region 3 ...", for what is no area."""
    if region.turned:
        raise ValueError("was drawn on the picture turned around in the tool")
    value, (height, width) = region.value, spatial_shape
    if region.kind == "brush":
        return _read_brush(region, name, spatial_shape)
    if region.kind == "polygon":
        points = value.get("points")
        rows = [finite_numbers(point, 2) for point in points] if isinstance(points, list) else []
        corners = [row for row in rows if row is not None]
        if len(corners) < max(3, len(rows)):
            raise ValueError("is a polygon without three finite points")
        outline = (np.stack(corners) * [width / 100, height / 100]).ravel().tolist()
        return outline_shape(name, None, outline, spatial_shape)
    keys = ("x", "y", "radiusX", "radiusY") if region.kind == "ellipse" else ("x", "y", "width", "height")
    numbers = finite_numbers([*(value.get(key) for key in keys), value.get("rotation") or 0], 5)
    if region.kind not in ("rectangle", "ellipse") or numbers is None:
        lack = "is not read" if numbers is None or region.kind else ""
        raise ValueError(f"is a {region.kind[:30]} that {lack or 'has no finite numbers'}")
    x, y, across, down = (numbers[:4] * [width, height, width, height] / 100).tolist()
    if region.kind == "ellipse":
        if min(across, down) <= 0:
            raise ValueError("is an ellipse without radii")
        outline = ellipse_polygon((x, y), (across, down), math.radians(float(numbers[4])))
        return outline_shape(name, None, outline, spatial_shape)
    box: Box = (x, y, x + across, y + down)
    outline = turned_rectangle(box, float(numbers[4]), (x, y))
    return outline_shape(name, None, outline, spatial_shape, None if numbers[4] % 360 else box)


def _read_brush(region: _Region, name: str, spatial_shape: tuple[int, int]) -> Shape:
    rows, columns = map(whole_number, region.size)
    if (rows, columns) != spatial_shape:
        raise ValueError(f"is a brush mask of {columns} x {rows} pixels, which are not those of its picture,")
    covered = unpack_opacity(region.value.get("rle"), spatial_shape) > 0
    if not covered.any():
        raise ValueError("covers no pixel")
    reach = (0.0, 0.0, float(spatial_shape[1]), float(spatial_shape[0]))
    return Shape(name, None, window_to_mask(covered, (0, 0), spatial_shape), None, reach)
