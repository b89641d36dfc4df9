"""Pascal VOC: boxes in ``Annotations/*.xml``, masks in ``SegmentationObject/`` and ``SegmentationClass/``.

After detectron2's reader of VOC and after what labelme and CVAT export. Coordinates of boxes count pixels from 1 and
name the last pixel of the box, so that (1, 1, 1, 1) is the first pixel; where one has a 0 among the low ones, its tool
counted corners from 0. In ``SegmentationObject`` the value is the object, in ``SegmentationClass`` the class, in both 0
is background and 255 void: the rim of objects, which belongs to nothing. Either may be written in the palette's
colours instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_lines
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.masks.components import class_of_each, connected_parts
from maskrcnn.modalities.images.formats.voc.about import CLASSES, OBJECTS
from maskrcnn.modalities.images.labels.drawn_shapes import join_groups, outline_shape
from maskrcnn.modalities.images.labels.folders import label_files, set_folder
from maskrcnn.modalities.images.labels.gather import DrawnImage, DrawnObject, drawn_dataset
from maskrcnn.modalities.images.labels.index_maps import mask_record, read_label_map, voc_index
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, drawn_shape
from maskrcnn.modalities.images.labels.xml_files import read_xml
from maskrcnn.modalities.images.read.find import has_images, images_by_stem
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

VOID = 255
BACKGROUND = ("background", "_background_")
VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
CORNERS = ("xmin", "ymin", "xmax", "ymax")
CORNER = re.compile(r"[xy]\d*")  # of a polygon: x and y of each point, or x1, y1, x2, y2 ...


def open_folder(folder: Path, split: str = "") -> Dataset:
    """Masks where there are pictures of objects; connected parts where there are only such of classes; else boxes.

    Args:
        folder: with VOC's folders, or with images and xml files side by side.
        split: a list in ``ImageSets/``, such as train or val; by default all images.

    Raises:
        DataError: no such split, or not one image that can be used.
    """
    by_object = has_images(folder / OBJECTS)
    if by_object or has_images(folder / CLASSES):
        return _open_masks(folder, by_object, _listed(folder, split, ("Segmentation", "Main", "")))
    return _open_boxes(folder, _listed(folder, split, ("Main", "Segmentation", "")))


def _listed(folder: Path, split: str, places: Iterable[str]) -> set[str] | None:
    """The images of a split by their names without suffix, perhaps with folders; None for all of them."""
    if not split:
        return None
    tries = (folder / "ImageSets" / place / f"{split}.txt" for place in places)
    path = next((path for path in tries if is_file(path)), None)
    if path is None:
        raise DataError(f"{folder / 'ImageSets'} has no list {split}.txt of the images of that split.")
    wanted = set()
    for line in read_lines(path):
        name, _, mark = line.replace("\\", "/").rpartition(" ")
        if mark != "-1":  # a list of one class marks the images without it
            wanted |= {line.replace("\\", "/"), name.strip() if mark in ("0", "1") else ""}
    return wanted - {""}


def _is_wanted(name: str, wanted: set[str] | None) -> bool:
    return wanted is None or name in wanted or name.rpartition("/")[2] in wanted


def _open_masks(folder: Path, by_object: bool, wanted: set[str] | None) -> Dataset:
    objects, classes = (images_by_stem(folder / name, deep=True) for name in (OBJECTS, CLASSES))
    places = (images_by_stem(folder / name, deep=True) for name in ("JPEGImages", "images"))
    images = next((found for found in places if found), {}) or images_by_stem(folder)
    maps = objects if by_object else classes
    stems = [stem for stem in sorted(maps) if _is_wanted(stem, wanted)]
    problems = [f"{maps[stem]} has no image and was left out." for stem in stems if stem not in images]
    if not by_object:
        problems.append(f"{folder / CLASSES} names classes, not objects: each connected part of a class is one object.")
    bare = len({path.stem for path in (folder / "Annotations").glob("*.xml")} - maps.keys())
    if bare:
        problems.append(f"Images of {folder / 'Annotations'} with boxes but no masks were left out ({bare}).")
    unclassed = [stem for stem in stems if stem in images and stem not in classes]
    problems += [f"{maps[stem]} has no picture of the same name in {CLASSES} and was left out." for stem in unclassed]
    names = _class_numbers(folder)
    stems = [stem for stem in stems if stem in images and stem in classes]
    sources = [
        VocMasks(images[stem], objects.get(stem) if by_object else None, classes[stem], image_id, tuple(sorted(names)))
        for image_id, stem in enumerate(stems, start=1)
    ]
    if not sources:
        raise DataError(f"{folder} has no image with pictures of the same name in {maps[min(maps)].parent}.")
    class_names = tuple(names[number] for number in sorted(names))
    return Dataset(folder, class_names, tuple(range(1, len(names) + 1)), sources, has_masks=True, problems=problems)


def _class_numbers(folder: Path) -> dict[int, str]:
    """The name of each class number: from CVAT's ``labelmap.txt``, labelme's ``class_names.txt``, or VOC's own 20."""
    rows = [line.split(":") for line in read_lines(folder / "labelmap.txt") if not line.startswith("#")]
    numbers = {}
    for k, row in enumerate(rows):
        colour = finite_numbers(row[1].split(","), 3) if len(row) > 1 else None
        numbers[k if colour is None else int(voc_index(colour.astype(np.int64)))] = row[0]
    numbers = numbers or dict(enumerate(read_lines(folder / "class_names.txt")))
    numbers = numbers or dict(enumerate(VOC_CLASSES, start=1))
    return {number: name for number, name in numbers.items() if number not in (0, VOID) and name not in BACKGROUND}


@dataclass(frozen=True)
class VocMasks:
    """An image with its pictures of objects (None: connected parts) and classes; label k is ``numbers[k - 1]``."""

    image: Path
    objects: Path | None
    classes: Path
    image_id: int
    numbers: tuple[int, ...]

    def record(self) -> Record:
        """Raises DataError where a picture cannot be read, has another size or holds an unknown class."""
        classes = read_label_map(self.classes, colours=True).astype(np.int64)
        if self.objects is None:
            parts = connected_parts(np.where(classes == VOID, 0, classes), corners=True)
        else:
            parts = read_label_map(self.objects, colours=True).astype(np.int64)
        if parts.shape != classes.shape:
            raise DataError(f"{self.objects} and {self.classes} are of different sizes; write them again.")
        regions = Regions.from_label_map(np.where(parts == VOID, 0, parts) if self.objects else parts)
        values = class_of_each(regions, np.where(classes == VOID, 0, classes))
        unknown = sorted(set(values.tolist()) - set(self.numbers))
        if unknown:
            raise DataError(
                f"{self.classes} holds the class number {unknown[0]}, which has no name; list the classes, background "
                "first, in class_names.txt beside the folder."
            )
        return mask_record(self.image, self.image_id, regions, np.searchsorted(self.numbers, values) + 1)

    def num_objects(self) -> int:
        return len(self.record())


@dataclass(frozen=True)
class BoxFiles:
    """The xml files of a data set.

    Attributes:
        place: the folder that all of them lie in.
        files: with their root elements and their names in the place, without suffix.
        first: the number of the first pixel.
        finder: of the pictures.
    """

    place: Path
    files: list[tuple[Path, ElementTree.Element, str]]
    first: float
    finder: PictureFinder


def read_box_files(folder: Path, wanted: set[str] | None, problems: list[str]) -> BoxFiles:
    """Read the xml files of a data set.

    Args:
        folder: of the data set.
        wanted: names without suffix; None for all.
        problems: a sentence is added for each that cannot be read.

    Returns:
        The others.
    """
    found = label_files(folder, "xml")
    place = Path(os.path.commonpath([file.parent for file in found])) if found else folder
    names = {file: file.relative_to(place).with_suffix("").as_posix() for file in found}
    read = []
    for file in (file for file in found if _is_wanted(names[file], wanted)):
        try:
            read.append((file, _parse(file), names[file]))
        except DataError as error:
            problems.append(str(error))
    boxes = [numbers for _, root, _ in read for numbers in map(corners_of, root.iter("object")) if numbers is not None]
    lows = [low for numbers in boxes for low in numbers[:2].tolist()]
    first = 0.0 if any(0 <= low < 1 for low in lows) else 1.0  # less than 0 is beyond the border, however one counts
    base = set_folder(place)
    finder = PictureFinder([base / "JPEGImages", base / "images", place, base], below=base)
    return BoxFiles(place, read, first, finder)


def _open_boxes(folder: Path, wanted: set[str] | None) -> Dataset:
    problems: list[str] = []
    own = read_box_files(folder, wanted, problems)
    unread = len(problems)
    images = []
    for file, root, name in own.files:
        try:
            images.append(_read_image(file, root, name, own.finder, own.first, problems))
        except DataError as error:
            problems.append(str(error))
    if not images:
        count = len(own.files) + unread
        raise DataError(
            f"{own.place}: none of {count} xml files can be used; the first fault: {(problems or ['-'])[0]}"
        )
    return drawn_dataset(folder, images, problems + own.finder.remarks())


def _read_image(
    file: Path, root: ElementTree.Element, own_name: str, finder: PictureFinder, first: float, problems: list[str]
) -> DrawnImage:
    """What one xml file says; ``first`` is the number of the first pixel. Raises DataError without an image."""
    name = (root.findtext("filename") or "").strip()
    path = find_image(name, own_name, finder)
    if path is None:
        raise DataError(f"{file} labels {name or 'an image without a name'}, which is not there, and was left out.")
    shape, contradiction = drawn_shape(path, root.findtext("size/height"), root.findtext("size/width"), path.name)
    problems += contradiction
    image = DrawnImage(path, path.name, shape)
    for number, entry in enumerate(root.findall("object"), start=1):
        corners, label = corners_of(entry), entry.findtext("name") or ""
        if label.strip() and entry.findtext("deleted") != "1" and (outline := outline_of(entry)):
            image.objects += _draw(label.strip(), outline, f"{file}: object {number}", shape, problems)
            continue
        if corners is None or not label.strip():
            lack = "name" if corners is not None else "box of four finite numbers"
            problems.append(f"{file}: object {number} has no {lack} and was left out.")
            continue
        x1, y1, x2, y2 = corners.tolist()
        image.objects.append(DrawnObject(label.strip(), (x1 - first, y1 - first, x2, y2)))
    return image


def outline_of(entry: ElementTree.Element) -> list[float]:
    """The polygon ``[x, y, ...]`` of an object of the LabelMe of MIT, or, beside its box, of Roboflow; else empty. It
    is in continuous coordinates, whatever number the first pixel has."""
    polygon = entry.find("polygon")
    if polygon is None:
        return []
    numbers = finite_numbers([part.text for part in polygon.iter() if CORNER.fullmatch(part.tag)])
    return numbers.tolist() if numbers is not None and len(numbers) >= 6 and len(numbers) % 2 == 0 else []


def _draw(
    name: str, outline: list[float], title: str, spatial_shape: tuple[int, int], problems: list[str]
) -> list[DrawnObject]:
    try:
        shape = outline_shape(name, None, outline, spatial_shape)
    except ValueError as error:
        problems.append(f"{title} {error} and was left out.")
        return []
    return join_groups([shape], spatial_shape)


def find_image(name: str, own_name: str, finder: PictureFinder) -> Path | None:
    """The image of an xml file called ``own_name`` in the folder of all of them, which says ``name``: one in a folder
    of the same name first, and one of the same name with another suffix last.

    Args:
        name: of the picture, as the file says it.
        own_name: of the file, without suffix.
        finder: of the pictures.

    Returns:
        The picture; None where there is none.
    """
    folder = own_name.rpartition("/")[0]
    beside = finder.exact(f"{folder}/{name}") if folder and name else None
    path = beside or (finder.find(name) if name else None)
    if path is not None:
        return path
    same = (images_by_stem((root / own_name).parent) for root in finder.roots)
    stem = own_name.rpartition("/")[2]
    return next((images[stem] for images in same if stem in images), None)


def corners_of(entry: ElementTree.Element) -> np.ndarray | None:
    """``xmin, ymin, xmax, ymax`` of an object, as its file counts pixels; None without four finite numbers."""
    return finite_numbers([entry.findtext(f"bndbox/{corner}") for corner in CORNERS], 4)


def _parse(path: Path) -> ElementTree.Element:
    """Raises DataError where the file is no annotation."""
    root = read_xml(path)
    if root.tag != "annotation":
        raise DataError(f"{path} is no annotation of Pascal VOC and was left out.")
    return root
