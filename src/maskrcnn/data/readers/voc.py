"""Pascal VOC: boxes in ``Annotations/*.xml``, masks in ``SegmentationObject/`` and ``SegmentationClass/``.

After detectron2's reader of VOC and after what labelme and CVAT export. Coordinates of boxes count pixels from 1 and
name the last pixel of the box, so that (1, 1, 1, 1) is the first pixel; where one has a 0 among the low ones, its tool
counted corners from 0. In ``SegmentationObject`` the value is the object, in ``SegmentationClass`` the class, in both 0
is background and 255 void: the rim of objects, which belongs to nothing. Either may be written in the palette's
colours instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.components import connected_parts
from maskrcnn.data.images import image_shape
from maskrcnn.data.index_maps import class_of_each, has_images, images_by_stem, mask_record, read_label_map, voc_index
from maskrcnn.data.labelled import DrawnImage, DrawnObject, drawn_dataset, find_file, finite_numbers, read_lines
from maskrcnn.data.records import Dataset
from maskrcnn.errors import DataError
from maskrcnn.files import is_folder
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

VOID = 255
BACKGROUND = ("background", "_background_")
VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
CORNERS = ("xmin", "ymin", "xmax", "ymax")
OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"


def is_voc(folder: Path) -> bool:
    """Whether ``folder`` has one of VOC's folders, or xml files of annotations in itself."""
    if any(has_images(folder / name) for name in (OBJECTS, CLASSES)):
        return True
    return any(
        _is_annotation(path) for place in (folder / "Annotations", folder) for path in sorted(place.glob("*.xml"))[:1]
    )


def open_voc(folder: Path, split: str = "") -> Dataset:
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
    """The images of a split by stem; None for all of them."""
    if not split:
        return None
    path = find_file(f"{split}.txt", [folder / "ImageSets" / place for place in places])
    if path is None:
        raise DataError(f"{folder / 'ImageSets'} has no list {split}.txt of the images of that split.")
    return {line.split()[0] for line in read_lines(path) if not line.endswith(" -1")}


def _open_masks(folder: Path, by_object: bool, wanted: set[str] | None) -> Dataset:
    objects, classes = images_by_stem(folder / OBJECTS), images_by_stem(folder / CLASSES)
    images = images_by_stem(folder / "JPEGImages") or images_by_stem(folder / "images") or images_by_stem(folder)
    maps = objects if by_object else classes
    stems = [stem for stem in sorted(maps) if wanted is None or stem in wanted]
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


def _open_boxes(folder: Path, wanted: set[str] | None) -> Dataset:
    place = folder / "Annotations" if is_folder(folder / "Annotations") else folder
    files = [path for path in sorted(place.glob("*.xml")) if wanted is None or path.stem in wanted]
    problems: list[str] = []
    read = []
    for file in files:
        try:
            read.append((file, _parse(file)))
        except DataError as error:
            problems.append(str(error))
    boxes = [numbers for _, root in read for numbers in map(_corners, root.iter("object")) if numbers is not None]
    first = 0.0 if any(min(numbers[:2]) < 1 for numbers in boxes) else 1.0
    images = []
    for file, root in read:
        try:
            images.append(_read_image(file, root, [folder / "JPEGImages", folder / "images", place], first, problems))
        except DataError as error:
            problems.append(str(error))
    if not images:
        raise DataError(
            f"{place}: none of {len(files)} xml files can be used; the first fault: {(problems or ['-'])[0]}"
        )
    return drawn_dataset(folder, images, problems)


def _read_image(
    file: Path, root: ElementTree.Element, folders: list[Path], first: float, problems: list[str]
) -> DrawnImage:
    """What one xml file says; ``first`` is the number of the first pixel. Raises DataError without an image."""
    name = (root.findtext("filename") or "").strip()
    path = find_file(name, folders) if name else None
    path = path or next((images[file.stem] for images in map(images_by_stem, folders) if file.stem in images), None)
    if path is None:
        raise DataError(f"{file} labels {name or 'an image without a name'}, which is not there, and was left out.")
    size = finite_numbers([root.findtext("size/height"), root.findtext("size/width")], 2)
    shape = (int(size[0]), int(size[1])) if size is not None and size.min() >= 1 else image_shape(path)
    image = DrawnImage(path, path.name, shape)
    for number, entry in enumerate(root.findall("object"), start=1):
        corners, label = _corners(entry), (entry.findtext("name") or "").strip()
        if corners is None or not label:
            lack = "name" if corners is not None else "box of four finite numbers"
            problems.append(f"{file}: object {number} has no {lack} and was left out.")
            continue
        x1, y1, x2, y2 = corners.tolist()
        image.objects.append(DrawnObject(label, (x1 - first, y1 - first, x2, y2)))
    return image


def _corners(entry: ElementTree.Element) -> np.ndarray | None:
    return finite_numbers([entry.findtext(f"bndbox/{corner}") for corner in CORNERS], 4)


class _NoDoctype(ElementTree.TreeBuilder):
    """Builds elements, and refuses a file that declares a document type before anything of it is read: entities, and
    with them files that grow without end or name other files, can be declared nowhere else."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type, which VOC files do not have")


def _parse(path: Path) -> ElementTree.Element:
    """Raises DataError where the file is no annotation."""
    try:
        root = ElementTree.parse(path, ElementTree.XMLParser(target=_NoDoctype())).getroot()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise DataError(f"{path} is not complete xml ({error}) and was left out.") from error
    if root is None or root.tag != "annotation":
        raise DataError(f"{path} is no annotation of Pascal VOC and was left out.")
    return root


def _is_annotation(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(1000)
    except OSError:
        return False
