"""CVAT's xml that is edited in place: shapes that nobody touched stay as they are, with all that stands in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.modalities.images.formats.cvat.about import is_cvat
from maskrcnn.modalities.images.formats.cvat.elements import elements_of, objects_in
from maskrcnn.modalities.images.formats.cvat.read import SHAPES, class_names, find_picture, picture_finder
from maskrcnn.modalities.images.labels.editable import (
    ATTRIBUTES,
    Classes,
    EditableImage,
    EditedImage,
    EditedObject,
    Shape,
    Written,
)
from maskrcnn.modalities.images.labels.folders import label_files, set_folder
from maskrcnn.modalities.images.labels.in_place.merging import merge_in_place
from maskrcnn.modalities.images.labels.in_place.xml_text import Edit, Piece, read_xml_text, text_of
from maskrcnn.modalities.images.labels.xml_files import read_xml

LIMITS = {
    "keypoints": "CVAT's shapes have no keypoints: they stay in the journal and are not saved.",
    **{
        name: f"CVAT keeps the mark {name} only where an object has an attribute of that name: else it is not saved."
        for name in ATTRIBUTES
    },
}


@dataclass
class CvatFile:
    """An ``annotations.xml``.

    Attributes:
        path: of the file.
        images: those it names, whose files are there; ``key`` is their id, subset and name. Others may be added.
        classes: as it names them, then those of its shapes.
        problems: what is wrong with it.
    """

    path: Path
    images: list[EditableImage] = field(default_factory=list)
    classes: Classes = Classes()
    problems: list[str] = field(default_factory=list)
    first_id: int = 1
    limits: Mapping[str, str] = field(default_factory=lambda: LIMITS)
    _written: dict[Any, dict[int, list[str]]] = field(default_factory=dict)  # elements of objects, by image and id

    def __post_init__(self) -> None:
        self._learn()

    def _learn(self) -> None:
        self._xml = read_xml_text(self.path)
        self._of_key = {_key(piece.attributes): piece for piece in self._xml.root.children if piece.tag == "image"}

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image; shapes of one label and group are one.

        Args:
            index: of the image.
            shape: its height and width.

        Returns:
            The objects, each with its elements; what is no area stays in the file.
        """
        piece = self._of_key.get(self.images[index].key)
        if piece is None:
            return []
        return [one for one in objects_in(self._texts(piece), shape) if isinstance(one, EditedObject)]

    def _texts(self, piece: Piece) -> list[str]:
        return [self._xml.text(child) for child in piece.children]

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the file anew, with these images changed, see :class:`Editable`.

        Args:
            images: by their indices.
            classes: all of them; those that the file does not name are added where it names the others.

        Returns:
            What was written, and what was lost.

        Raises:
            DataError: what lies there now is no file of CVAT.
        """
        if not is_cvat(self.path):
            raise DataError(f"{self.path} is no file of CVAT any more; put it back, and save again.")
        self._learn()
        lost: Counter[str] = Counter()
        edits = self._with_labels(classes)
        free = count(1 + max(map(int, re.findall(rb'group_id="(\d{1,9})"', self._xml.content)), default=0))
        new: list[str] = []
        for index, edited in images.items():
            raw_of = partial(elements_of, shape=edited.shape, free=free, lost=lost)
            key = self.images[index].key
            piece = self._of_key.get(key)
            before = [] if piece is None else objects_in(self._texts(piece), edited.shape)
            written = self._written.setdefault(key or index, {})
            merged = merge_in_place(before, edited, written, raw_of, draws_in_order=False)
            texts = [text for one in merged for text in (one[1] if isinstance(one, tuple) else [one])]
            if piece is not None:
                edits += self._xml.replaced(piece, piece.children, texts)
            else:
                key, text = self._new_image(index, edited.shape, len(new), texts)
                self._written[key] = self._written.pop(index)
                new.append(text)
            self.images[index] = replace(self.images[index], key=key, labelled=True)
        old = [piece for piece in self._xml.root.children if piece.tag == "image"]
        edits += self._xml.replaced(self._xml.root, old, [*map(self._xml.text, old), *new])
        content = self._xml.edited(edits)
        if content != self._xml.content:
            with atomic_write(self.path) as temporary:
                temporary.write_bytes(content)
            self._learn()
        return Written(self.path, sum(len(image.objects) for image in images.values()), +lost)

    def _with_labels(self, classes: Classes) -> list[Edit]:
        labels = _first(self._xml.root, "labels")
        known = class_names(read_xml(self.path))
        new = [name for name in classes.names if name not in known]
        if labels is None or not new:
            return []
        between = self._xml.indent(labels)
        inner = between + ("\t" if "\t" in between else "  ")
        texts = []
        for name in new:
            word = text_of(_with_text("name", name))
            texts.append(f"<label>{inner}{word}{inner}<attributes>{inner}</attributes>{between}</label>")
        return self._xml.replaced(labels, labels.children, [*map(self._xml.text, labels.children), *texts])

    def _new_image(self, index: int, shape: Shape, later: int, texts: list[str]) -> tuple[Any, str]:
        base, path = set_folder(self.path), self.images[index].path
        places = (place for place in (base / "images", base) if path.absolute().is_relative_to(place.absolute()))
        place = next(places, None)
        name = path.name if place is None else path.absolute().relative_to(place.absolute()).as_posix()
        ids = [int(key[0]) for key in self._of_key if key[0].isdigit()]
        number = str(1 + later + max(ids, default=-1))
        said = {"id": number, "name": name, "width": str(shape[1]), "height": str(shape[0])}
        opening = text_of(ElementTree.Element("image", said)).removesuffix(" />") + ">"
        between = self._xml.indent(self._xml.root)
        inner = between + ("\t" if "\t" in between else "  ")
        return _key(said), opening + "".join(inner + text for text in texts) + between + "</image>"


def open_file(path: Path) -> CvatFile:
    """The images of an xml file.

    Args:
        path: of the file.

    Returns:
        Its labels, which can be edited.

    Raises:
        DataError: it has no image that is there.
    """
    root = read_xml(path)
    entries = root.findall("image")
    finder = picture_finder(path, entries)
    problems: list[str] = []
    images = []
    for entry in entries:
        file, name = find_picture(entry, finder), entry.get("name", "")
        if file is None:
            problems.append(f"{name or 'An image without a name'} is not there and cannot be shown; its labels stay.")
            continue
        folder = set_folder(path)
        own = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else name
        objects = sum(child.tag in SHAPES for child in entry)
        images.append(EditableImage(file, own, None, True, _key(entry.attrib), objects))
    if not images:
        raise DataError(f"None of the {len(entries)} images of {path} can be edited: put them beside it.")
    used = sorted({child.get("label", "") for entry in entries for child in entry if child.tag in SHAPES} - {""})
    return CvatFile(path, images, Classes(tuple(dict.fromkeys([*class_names(root), *used]))), problems)


def open_folder(path: Path) -> CvatFile:
    """The images of the xml file in a folder, see :func:`open_file`."""
    return open_file(path if is_file(path) else next(file for file in label_files(path, "xml") if is_cvat(file)))


def _key(attributes: Mapping[str, str]) -> tuple[str, str, str]:
    return attributes.get("id", ""), attributes.get("subset", ""), attributes.get("name", "")


def _first(piece: Piece, tag: str) -> Piece | None:
    if piece.tag == tag:
        return piece
    return next((found for child in piece.children if child.tag != "image" and (found := _first(child, tag))), None)


def _with_text(tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag)
    element.text = text
    return element
