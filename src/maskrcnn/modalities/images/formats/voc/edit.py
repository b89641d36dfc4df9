"""Pascal VOC's xml files that are edited in place: objects that nobody touched stay as they are, to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.files import atomic_write, is_file
from maskrcnn.modalities.images.formats.voc.about import CLASSES, OBJECTS
from maskrcnn.modalities.images.formats.voc.read import CORNERS, corners_of, find_image, outline_of, read_box_files
from maskrcnn.modalities.images.labels.conversion_loss import KEYPOINTS
from maskrcnn.modalities.images.labels.editable import (
    CROWD,
    DIFFICULT,
    TRUNCATED,
    Classes,
    EditableImage,
    EditedImage,
    EditedObject,
    LabelledObject,
    Shape,
    Written,
    parts_box,
)
from maskrcnn.modalities.images.labels.in_place.merging import merge_in_place
from maskrcnn.modalities.images.labels.in_place.outline import one_outline
from maskrcnn.modalities.images.labels.in_place.xml_text import XmlText, element_of, read_xml_text, text_of
from maskrcnn.modalities.images.read.find import has_images

CROWDS = "objects whose mark crowd is lost"
ROUNDED = "boxes rounded to whole pixels, as all others of the data set are"
JOINS = "Pascal VOC keeps one outline for each object: {what} joined to it by lines without width."
LIMITS = {
    "holes": JOINS.format(what="holes are"),
    "parts": JOINS.format(what="several parts are"),
    CROWD: "Pascal VOC has no mark crowd: it stays in the studio's journal and is not saved.",
    "keypoints": "Pascal VOC has no keypoints: they stay in the journal and are not saved.",
}
SAME = 1e-6
NEW_FILE = """<annotation>
\t<folder>{folder}</folder>
\t<filename>{name}</filename>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
</annotation>
"""
NEW_OBJECT = """<object>
\t\t<name></name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin></xmin>
\t\t\t<ymin></ymin>
\t\t\t<xmax></xmax>
\t\t\t<ymax></ymax>
\t\t</bndbox>
\t</object>"""


@dataclass
class VocFiles:
    """The xml files of Pascal VOC: one for each image.

    Attributes:
        path: that was opened.
        place: the folder of the files.
        images: that they label; ``key`` is the file, and others may be added behind them.
        classes: of the objects, sorted.
        problems: what is wrong with the files.
        first: the number of the first pixel.
        is_whole: whether every box has whole numbers.
    """

    path: Path
    place: Path
    images: list[EditableImage] = field(default_factory=list)
    classes: Classes = Classes()
    problems: list[str] = field(default_factory=list)
    first: float = 1.0
    is_whole: bool = True
    first_id: int = 1
    limits: Mapping[str, str] = field(default_factory=lambda: LIMITS)
    _written: dict[str, dict[int, str]] = field(default_factory=dict)  # elements of objects, by file and id

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image, each with its element.

        Args:
            index: of the image.
            shape: its height and width.

        Returns:
            The objects; elements that are none stay in the file.
        """
        file = self._file_of(index)
        if not is_file(file):
            return []
        return [one for one in self._objects(_texts(read_xml_text(file))) if isinstance(one, EditedObject)]

    def _objects(self, texts: list[str]) -> list[EditedObject | str]:
        found: list[EditedObject | str] = []
        number = 0
        for text in texts:
            drawn = self._drawn(text, number + 1)
            number += drawn is not None
            found.append(text if drawn is None else EditedObject(drawn, text, unchanged=True))
        return found

    def _drawn(self, text: str, number: int) -> LabelledObject | None:
        entry = element_of(text)
        name, corners, outline = (entry.findtext("name") or "").strip(), corners_of(entry), tuple(outline_of(entry))
        if not name or entry.findtext("deleted") == "1" or (corners is None and not outline):
            return None
        marks = frozenset(mark for mark in (TRUNCATED, DIFFICULT) if (entry.findtext(mark) or "").strip() == "1")
        if outline:
            return LabelledObject(number, name, parts_box([(outline,)]), None, ((outline,),), attributes=marks)
        assert corners is not None
        x1, y1, x2, y2 = corners.tolist()
        return LabelledObject(number, name, (x1 - self.first, y1 - self.first, x2, y2), attributes=marks)

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the files of these images anew, see :class:`Editable`.

        Args:
            images: by their indices.
            classes: all of them; the files name only those of their objects.

        Returns:
            What was written, and what was lost.

        Raises:
            DataError: a file can no longer be read.
        """
        del classes
        lost: Counter[str] = Counter()
        for index, edited in images.items():
            file = self._file_of(index)
            if not is_file(file):
                if not edited.objects:
                    continue
                with atomic_write(file) as temporary:
                    temporary.write_text(self._new_file(index, edited.shape), encoding="utf-8")
            xml = read_xml_text(file)
            written = self._written.setdefault(str(file), {})
            raw_of = partial(self._element, shape=edited.shape, lost=lost)
            merged = merge_in_place(self._objects(_texts(xml)), edited, written, raw_of)
            texts = [one if isinstance(one, str) else one[1] for one in merged]
            old = [piece for piece in xml.root.children if piece.tag == "object"]
            content = xml.edited(xml.replaced(xml.root, old, texts))
            if content != xml.content:
                with atomic_write(file) as temporary:
                    temporary.write_bytes(content)
            self.images[index] = replace(self.images[index], key=str(file), labelled=True)
        return Written(self.path, sum(len(image.objects) for image in images.values()), +lost)

    def _file_of(self, index: int) -> Path:
        image = self.images[index]
        if image.key:
            return Path(image.key)
        holds_pictures = any(own.key and own.path.parent == Path(own.key).parent for own in self.images)
        return image.path.with_suffix(".xml") if holds_pictures else self.place / f"{image.path.stem}.xml"

    def _new_file(self, index: int, shape: Shape) -> str:
        path = self.images[index].path
        folder, name = (_escaped(text) for text in (path.parent.name, path.name))
        return NEW_FILE.format(folder=folder, name=name, width=shape[1], height=shape[0])

    def _element(self, one: EditedObject, shape: Shape, lost: Counter[str]) -> str:
        """An object as VOC has it: the element that it came from, with what was changed."""
        drawn = one.drawn
        lost[CROWDS] += CROWD in drawn.attributes
        lost[KEYPOINTS] += bool(drawn.keypoints)
        if one.unchanged and one.raw is not None:
            return str(one.raw)
        entry = element_of(one.raw or NEW_OBJECT)
        before = self._drawn(one.raw, drawn.id) if one.raw else None
        _set(entry, "name", drawn.name)
        for mark in (TRUNCATED, DIFFICULT):
            if mark in drawn.attributes or entry.find(mark) is not None:
                _set(entry, mark, str(int(mark in drawn.attributes)))
        if before is None or not before.is_same_place(drawn):
            self._place(entry, drawn, shape, lost)
        return text_of(entry)

    def _place(self, entry: ElementTree.Element, drawn: LabelledObject, shape: Shape, lost: Counter[str]) -> None:
        """Write box and outline of an object."""
        outline = one_outline(drawn, shape, lost)
        if entry.find("bndbox") is not None or outline is None:
            box = entry.find("bndbox")
            box = ElementTree.SubElement(entry, "bndbox") if box is None else box
            numbers = np.array(drawn.box) + [self.first, self.first, 0, 0]
            if self.is_whole:
                whole = np.round(numbers)
                whole[2:] = np.maximum(whole[2:], whole[:2] + 1 - self.first)  # no box is empty
                lost[ROUNDED] += outline is None and bool(np.abs(whole - numbers).max() > SAME)
                numbers = whole
            for name, value in zip(CORNERS, numbers.tolist()):
                _set(box, name, _number(value))
        polygon = entry.find("polygon")
        if polygon is not None:
            is_of_mit = polygon.find("pt") is not None
            space = polygon.tail
            entry.remove(polygon)
        else:
            is_of_mit, space = entry.find("deleted") is not None, entry[-1].tail
        if outline is not None:
            polygon = ElementTree.SubElement(entry, "polygon")
            polygon.tail = space
            for k, (x, y) in enumerate(outline.tolist(), start=1):
                point = ElementTree.SubElement(polygon, "pt") if is_of_mit else polygon
                number = "" if is_of_mit else str(k)
                ElementTree.SubElement(point, f"x{number}").text = _number(x)
                ElementTree.SubElement(point, f"y{number}").text = _number(y)


def open_folder(folder: Path) -> VocFiles | None:
    """The xml files of a data set; None where its masks are pictures, which are not edited in place.

    Args:
        folder: with VOC's folders, or with images and xml files side by side.

    Returns:
        Their labels, which can be edited.
    """
    if any(has_images(folder / name) for name in (OBJECTS, CLASSES)):
        return None
    problems: list[str] = []
    own = read_box_files(folder, None, problems)
    images, names = [], set()
    numbers = [corners for _, root, _ in own.files for corners in map(corners_of, root.iter("object"))]
    is_whole = all(not np.mod(corners, 1).any() for corners in numbers if corners is not None)
    for file, root, name in own.files:
        said = (root.findtext("filename") or "").strip()
        path = find_image(said, name, own.finder)
        if path is None:
            problems.append(f"{file} labels {said or 'an image without a name'}, which is not there and not shown.")
            continue
        known = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        objects = root.findall("object")
        images.append(EditableImage(path, known, None, True, str(file), len(objects)))
        names |= {(entry.findtext("name") or "").strip() for entry in objects}
    classes = Classes(tuple(sorted(names - {""})))
    return VocFiles(folder, own.place, images, classes, problems, own.first, is_whole)


def _texts(xml: XmlText) -> list[str]:
    return [xml.text(piece) for piece in xml.root.children if piece.tag == "object"]


def _set(parent: ElementTree.Element, tag: str, text: str) -> None:
    """Write a child's text, where it is another."""
    child = parent.find(tag)
    child = ElementTree.SubElement(parent, tag) if child is None else child
    if (child.text or "").strip() != text:
        child.text = text


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
