"""COCO json that is edited in place: entries that nobody touched stay as they are, with all that stands in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maskrcnn.data.class_names import usable_names
from maskrcnn.data.parsing.numbers import identity, whole_number
from maskrcnn.data.parsing.text import read_json, read_text
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.modalities.images.formats.coco.about import LISTS, ROBOFLOW_NAME, is_coco
from maskrcnn.modalities.images.formats.coco.annotation import heading_ids, is_category, picture_name
from maskrcnn.modalities.images.formats.coco.entry import drawn_object, entry_of
from maskrcnn.modalities.images.formats.coco.read import keypoints_of, picture_finder
from maskrcnn.modalities.images.labels.editable import (
    Classes,
    EditableImage,
    EditedImage,
    EditedObject,
    Shape,
    Written,
)
from maskrcnn.modalities.images.labels.in_place.json_text import JsonStyle
from maskrcnn.modalities.images.labels.in_place.merging import with_order

AS_ESCAPE = "backslashreplace"


@dataclass
class CocoFile:
    """One file of COCO json, perhaps one that is not there yet.

    Attributes:
        path: of the file.
        images: those it names, whose files are there; others may be added behind them.
        classes: as it names them.
        problems: what is wrong with it.
        content: as it was read.
    """

    path: Path
    images: list[EditableImage] = field(default_factory=list)
    classes: Classes = Classes()
    problems: list[str] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=lambda: {name: [] for name in LISTS})
    limits: Mapping[str, str] = field(default_factory=dict)
    _style: JsonStyle | None = None  # of the file, as it was first seen

    def __post_init__(self) -> None:
        self._learn(self.content)

    def _learn(self, content: dict[str, Any]) -> None:
        self.content = content
        self._of_image = _by_image(content)
        self._names = dict(_numbered(content)[0])

    @property
    def first_id(self) -> int:
        """Above the ids of all objects that the file has."""
        numbers = (whole_number(entry.get("id")) for entries in self._of_image.values() for entry in entries)
        return 1 + max((number for number in numbers if number is not None), default=0)

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image, each with its entry.

        Args:
            index: of the image.
            shape: its height and width.

        Returns:
            What can be drawn of them; the rest stays in the file.
        """
        found = []
        for entry in self._of_image.get(self.images[index].key, []):
            category = whole_number(entry.get("category_id"))
            number = whole_number(entry.get("id"))
            if category not in self._names or number is None:
                continue
            drawn = drawn_object(entry, number, self._names[category], shape, len(self.classes.keypoint_names))
            found += [] if drawn is None else [EditedObject(drawn, entry, unchanged=True)]
        return with_order(found)

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the file anew, with these images changed, see :class:`Editable`.

        Args:
            images: by their indices.
            classes: all of them; those that the file does not name yet are added.

        Returns:
            What was written.

        Raises:
            DataError: what lies there now is no COCO json.
        """
        content = dict(self.content)
        if is_file(self.path):
            content = read_json(self.path)
            self._style = self._style or JsonStyle.of(read_text(self.path))
            if not is_coco(content):
                raise DataError(f"{self.path} is no COCO json any more; move it away, and save again.")
        categories, ids = _with_classes(content, classes)
        entries = list(content["images"])
        used = {identity(entry.get("id")) for entry in entries if isinstance(entry, dict)}
        changed: dict[Any, list[tuple[dict[str, Any], int]]] = {}  # entries and their z
        shown: dict[Any, set[int]] = {}  # ids of the entries that could be seen; others are never taken away
        free = 1 + max((key for key in used if isinstance(key, int)), default=0)
        objects = 0
        for index, edited in images.items():
            image = self.images[index]
            key = image.key
            if key is None:  # it is named for the first time
                key, free = free, free + 1
                self.images[index] = replace(image, key=key, labelled=True)
            if key not in used:
                height, width = edited.shape
                entries.append({"id": key, "file_name": self._name_of(image), "height": height, "width": width})
                used.add(key)
            shown[key] = {one.drawn.id for one in self.read(index, edited.shape)}
            changed[key] = [(entry_of(one, key, ids, edited.shape, classes), one.drawn.z) for one in edited.objects]
            objects += len(edited.objects)
        annotations = _merged(content["annotations"], changed, shown)
        whole = {**content, "images": entries, "annotations": annotations, "categories": categories}
        with atomic_write(self.path) as temporary:
            temporary.write_text(
                (self._style or JsonStyle()).text_of(whole), encoding="utf-8", errors=AS_ESCAPE, newline=""
            )
        self._learn(whole)
        return Written(self.path, objects, Counter())

    def _name_of(self, image: EditableImage) -> str:
        return Path(os.path.relpath(image.path, self.path.parent)).as_posix()


def new_file(path: Path) -> CocoFile:
    """Labels that are not there yet."""
    return CocoFile(path)


def open_content(path: Path, content: Any = None) -> CocoFile:
    """The images of one COCO json file.

    Args:
        path: of the json file.
        content: of the file, where it has been read already.

    Returns:
        Its labels, which can be edited.

    Raises:
        DataError: the file is no COCO json.
    """
    content = read_json(path) if content is None else content
    if not is_coco(content):
        raise DataError(f"{path} is not COCO json: it has no lists named {', '.join(LISTS)}.")
    _, problems = _numbered(content)
    categories = [c for c in content["categories"] if isinstance(c, dict) and is_category(c)]
    points, skeleton = keypoints_of(categories, problems)
    classes = Classes(tuple(name for _, name in _numbered(content)[0]), points, skeleton)
    finder = picture_finder(path)
    images, seen, of_image = [], set(), _by_image(content)
    for entry in content["images"]:
        name, key = picture_name(entry), identity(entry.get("id")) if isinstance(entry, dict) else None
        file = finder.find(name) if name and key is not None and key not in seen else None
        seen.add(key)
        if file is None:
            problems.append(f"{name or 'An image without a name'} is not there and cannot be shown; its labels stay.")
            continue
        rows, columns = whole_number(entry.get("height")), whole_number(entry.get("width"))
        shape = (rows, columns) if rows and columns else None
        images.append(EditableImage(file, name, shape, True, key, len(of_image.get(key, []))))
    if content["images"] and not images:
        raise DataError(f"None of the {len(content['images'])} images of {path} is there: put them beside it.")
    return CocoFile(path, images, classes, problems, content)


def open_folder(folder: Path) -> CocoFile:
    """As Roboflow exports it: the json lies beside the pictures."""
    return open_content(folder / ROBOFLOW_NAME)


def _numbered(content: dict[str, Any]) -> tuple[list[tuple[int, str]], list[str]]:
    """Ids and names of the classes by rising id, without headings, and what was changed of the names."""
    whole = [c for c in content["categories"] if isinstance(c, dict) and is_category(c)]
    by_id = {whole_number(category["id"]) or 0: category for category in whole}
    used = {whole_number(a.get("category_id")) for a in content["annotations"] if isinstance(a, dict)}
    headings = heading_ids(by_id.values(), used)
    ids = sorted(by_id.keys() - headings)
    names, changed = usable_names([str(by_id[k]["name"]) for k in ids])
    return list(zip(ids, names)), changed


def _with_classes(content: dict[str, Any], classes: Classes) -> tuple[list[Any], dict[str, int]]:
    """The categories with those that are new, and the id of each name."""
    categories = list(content["categories"])
    ids = {name: number for number, name in _numbered(content)[0]}
    free = 1 + max((whole_number(c.get("id")) or 0 for c in categories if isinstance(c, dict)), default=0)
    for name in classes.names:
        if name not in ids:
            ids[name] = free
            entry: dict[str, Any] = {"id": free, "name": name}
            if classes.keypoint_names:
                entry["keypoints"] = list(classes.keypoint_names)
                entry["skeleton"] = [[a + 1, b + 1] for a, b in classes.skeleton]
            categories.append(entry)
            free += 1
    return categories, ids


def _by_image(content: dict[str, Any]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for entry in content["annotations"]:
        if isinstance(entry, dict):
            found.setdefault(identity(entry.get("image_id")), []).append(entry)
    return found


def _merged(
    old: list[Any], changed: dict[Any, list[tuple[dict[str, Any], int]]], shown: dict[Any, set[int]]
) -> list[Any]:
    """The annotations of a file with those of some images changed; each stays at its place, new ones come last, and
    those that were put before or behind others of their image trade places."""
    now = {key: {entry["id"]: (entry, z) for entry, z in entries} for key, entries in changed.items()}
    merged: list[Any] = []
    places: dict[Any, list[tuple[int, int]]] = {key: [] for key in now}  # of each image: z, and place in the list
    for entry in old:
        key = identity(entry.get("image_id")) if isinstance(entry, dict) else None
        if key not in now:
            merged.append(entry)
            continue
        number = whole_number(entry.get("id"))
        if number in now[key]:
            own, z = now[key].pop(number)
            places[key].append((z, len(merged)))
            merged.append(own)
        elif number not in shown[key]:
            merged.append(entry)  # nobody could see it, so nobody took it away
    taken = {whole_number(entry.get("id")) for entry in merged if isinstance(entry, dict)}
    free = 1 + max((number for number in taken if number is not None), default=0)
    for key, entries in now.items():
        for entry, z in entries.values():
            if entry["id"] in taken:
                entry, free = {**entry, "id": free}, free + 1
            taken.add(entry["id"])
            places[key].append((z, len(merged)))
            merged.append(entry)
    for own_places in places.values():
        ordered = [merged[place] for _, place in sorted(own_places)]
        for (_, place), entry in zip(own_places, ordered):
            merged[place] = entry
    return merged
