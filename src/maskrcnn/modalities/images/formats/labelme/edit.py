"""LabelMe files that are edited in place: shapes that nobody touched stay as they are, with all that stands in them."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_json, read_lines
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.masks.rasterise import NO_MASK, unite
from maskrcnn.modalities.images.formats.labelme.about import is_labelme
from maskrcnn.modalities.images.formats.labelme.read import LABELS, NO_CLASSES, read_shape
from maskrcnn.modalities.images.formats.labelme.write import AS_ESCAPE, VERSION
from maskrcnn.modalities.images.labels.conversion_loss import KEYPOINTS
from maskrcnn.modalities.images.labels.drawn_shapes import Shape as Drawn
from maskrcnn.modalities.images.labels.editable import (
    ATTRIBUTES,
    CROWD,
    Classes,
    EditableImage,
    EditedImage,
    EditedObject,
    LabelledObject,
    MaskWindow,
    Shape,
    Written,
    parts_box,
)
from maskrcnn.modalities.images.labels.folders import picture_folders, set_folder
from maskrcnn.modalities.images.labels.in_place.merging import merge_in_place
from maskrcnn.modalities.images.labels.picture_files import PictureFinder
from maskrcnn.modalities.images.read.find import images_by_stem

LIMITS = {"keypoints": "LabelMe files have no keypoints of objects: they stay in the journal and are not saved."}
Entry = dict[str, Any]


@dataclass
class LabelMeFiles:
    """The files of LabelMe in a folder: one beside each image that is labelled.

    Attributes:
        path: of the folder.
        images: that they label; ``key`` is the file, and others may be added behind them.
        classes: that ``labels.txt`` names, and those of the shapes.
        problems: what is wrong with the files.
    """

    path: Path
    images: list[EditableImage] = field(default_factory=list)
    classes: Classes = Classes()
    problems: list[str] = field(default_factory=list)
    first_id: int = 1
    limits: Mapping[str, str] = field(default_factory=lambda: LIMITS)
    _written: dict[str, dict[int, list[Entry]]] = field(default_factory=dict)  # shapes of objects, by file and id

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image; shapes of one label and group are one.

        Args:
            index: of the image.
            shape: its height and width.

        Returns:
            The objects, each with its shapes; points and lines stay in the file.
        """
        file = self._file_of(index)
        if not is_file(file):
            return []
        return [found for found in _objects(_content_of(file)["shapes"], shape) if isinstance(found, EditedObject)]

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the files of these images anew, see :class:`Editable`.

        Args:
            images: by their indices.
            classes: all of them; those that ``labels.txt`` does not name are added to it, where there is one.

        Returns:
            What was written, and what was lost.

        Raises:
            DataError: a class whose name means "no class" to LabelMe.
        """
        reserved = sorted({one.drawn.name for image in images.values() for one in image.objects} & set(NO_CLASSES))
        if reserved:
            raise DataError(f"LabelMe takes {reserved[0]} for no class: rename it, and save again.")
        lost: Counter[str] = Counter()
        for index, edited in images.items():
            file = self._file_of(index)
            content: Entry = _content_of(file) if is_file(file) else self._new_content(index, edited.shape)
            written = self._written.setdefault(str(file), {})
            shapes = _merged(content["shapes"], edited, written)
            lost[KEYPOINTS] += sum(bool(one.drawn.keypoints) for one in edited.objects)
            with atomic_write(file) as temporary:
                text = json.dumps({**content, "shapes": shapes}, ensure_ascii=False, indent=2)
                temporary.write_text(text, encoding="utf-8", errors=AS_ESCAPE)
            self.images[index] = replace(self.images[index], key=file, labelled=True)
        self._add_to_list(classes)
        return Written(self.path, sum(len(image.objects) for image in images.values()), +lost)

    def _file_of(self, index: int) -> Path:
        image = self.images[index]
        return Path(image.key) if image.key else image.path.with_suffix(".json")

    def _new_content(self, index: int, shape: Shape) -> Entry:
        (height, width), name = shape, self.images[index].path.name
        picture = {"imagePath": name, "imageData": None, "imageHeight": height, "imageWidth": width}
        return {"version": VERSION, "flags": {}, "shapes": [], **picture}

    def _add_to_list(self, classes: Classes) -> None:
        file = (self.path if self.path.suffix.lower() != ".json" else self.path.parent) / LABELS
        if not is_file(file):
            return
        lines = read_lines(file)
        new = [name for name in classes.names if name not in lines]
        if new:
            with atomic_write(file) as temporary:
                temporary.write_text("".join(line + "\n" for line in [*lines, *new]), encoding="utf-8")


def open_files(path: Path, files: Sequence[Path]) -> LabelMeFiles:
    """The images that ``files`` label.

    Args:
        path: what was opened.
        files: json files of LabelMe, and perhaps others, which are passed over.

    Returns:
        Their labels, which can be edited.
    """
    problems: list[str] = []
    images: list[EditableImage] = []
    finders: dict[Path, PictureFinder] = {}
    names: set[str] = set()
    for file in files:
        try:
            content = _content_of(file)
        except DataError as error:
            problems.append(str(error))
            continue
        folder = file.parent
        finder = finders.setdefault(folder, PictureFinder(picture_folders(folder), below=set_folder(folder)))
        picture = finder.find(str(content["imagePath"])) or images_by_stem(folder).get(file.stem)
        if picture is None:
            problems.append(f"{file} labels {content['imagePath']}, which is not there and cannot be shown.")
            continue
        root = path if path.suffix.lower() != ".json" else path.parent
        name = picture.relative_to(root).as_posix() if picture.is_relative_to(root) else picture.name
        images.append(EditableImage(picture, name, None, True, str(file), len(content["shapes"])))
        names |= {str(shape["label"]) for shape in content["shapes"] if isinstance(shape, dict) and "label" in shape}
    listed = [name for name in read_lines(files[0].parent / LABELS) if name not in NO_CLASSES]
    classes = dict.fromkeys([*listed, *sorted(names - set(NO_CLASSES))])
    return LabelMeFiles(path, images, Classes(tuple(classes)), problems)


def open_content(path: Path, content: Any) -> LabelMeFiles:
    """The image that a single file labels; ``content`` is read again, as the files of a folder are."""
    return open_files(path, [path])


def _content_of(file: Path) -> Entry:
    """Raises DataError where the file is none of LabelMe."""
    content = read_json(file)
    if not is_labelme(content):
        raise DataError(f"{file} is no LabelMe file (it has no 'shapes' or no 'imagePath').")
    own: Entry = content
    return own


def _objects(entries: list[Any], shape: Shape) -> list[EditedObject | Entry]:
    """What the shapes of a file are, in order: objects, or what nobody can draw, as it is."""
    groups: dict[Any, list[tuple[Entry, Drawn]]] = {}
    order: list[Any] = []
    for number, entry in enumerate(entries):
        try:
            drawn = read_shape(entry, shape)
        except ValueError:
            order.append(entry)
            continue
        if drawn.name in NO_CLASSES:
            order.append(entry)
            continue
        key = number if drawn.group is None else (drawn.name, drawn.group)
        order += [] if key in groups else [(key,)]
        groups.setdefault(key, []).append((entry, drawn))
    numbers = {key: number for number, key in enumerate(groups, start=1)}
    return [_object(groups[one[0]], numbers[one[0]], shape) if isinstance(one, tuple) else one for one in order]


def _object(shapes: list[tuple[Entry, Drawn]], number: int, shape: Shape) -> EditedObject:
    raw, drawn = [entry for entry, _ in shapes], [own for _, own in shapes]
    crowd = any(own.crowd for own in drawn)
    flags = [entry.get("flags") for entry in raw]
    said = {name for own in flags if isinstance(own, dict) for name, value in own.items() if value is True}
    attributes = frozenset({name for name in ATTRIBUTES if name in said} | ({CROWD} if crowd else set()))
    rings = [_ring(entry) for entry in raw]
    if len(drawn) == 1 and drawn[0].box is not None:
        return EditedObject(LabelledObject(number, drawn[0].name, drawn[0].box, attributes=attributes), raw, True)
    if all(ring is not None for ring in rings):
        parts = tuple((ring,) for ring in rings if ring is not None)
        found = LabelledObject(number, drawn[0].name, parts_box(parts), None, parts, attributes=attributes)
        return EditedObject(found, raw, True)
    mask = MaskWindow.of_counts(unite([own.mask for own in drawn], shape), shape)
    box = drawn[0].reach if mask is None else tuple(map(float, mask.box))
    found = LabelledObject(number, drawn[0].name, box, mask, attributes=attributes)  # type: ignore[arg-type]
    return EditedObject(found, raw, True)


def _ring(entry: Entry) -> tuple[float, ...] | None:
    """The corners of a polygon; None of any other shape."""
    if (entry.get("shape_type") or "polygon") != "polygon":
        return None
    numbers = [finite_numbers(point, 2) for point in entry["points"]]
    return tuple(value for row in numbers if row is not None for value in row.tolist())


def _merged(entries: list[Any], edited: EditedImage, written: dict[int, list[Entry]]) -> list[Entry]:
    """The shapes of a file with its objects changed: each stays at its place, new ones come last."""
    groups = [entry.get("group_id") for entry in entries if isinstance(entry, dict)]
    free = count(1 + max((group for group in groups if isinstance(group, int)), default=0))
    before = _objects(entries, edited.shape)
    merged = merge_in_place(before, edited, written, lambda one: _shapes(one, edited.shape, next(free)))
    return [entry for one in merged for entry in (one[1] if isinstance(one, tuple) else [one])]


def _shapes(one: EditedObject, shape: Shape, group: int) -> list[Entry]:
    """An object as LabelMe has it: the shapes that it came from, or one for each of its parts."""
    if one.unchanged and one.raw is not None:
        own: list[Entry] = one.raw
        return own
    drawn, first = one.drawn, dict((one.raw or [{}])[0])
    base = {"label": drawn.name, "points": [], "group_id": None, "description": "", "shape_type": "", **first}
    base |= {"label": drawn.name, "flags": _flags(first, drawn)}
    if one.raw and _is_same_place(one, shape):
        return [{**entry, "label": drawn.name, "flags": _flags(entry, drawn)} for entry in one.raw]
    base |= {"mask": None} if "mask" in first else {}
    counts = drawn.counts(shape)
    if drawn.parts and not drawn.has_holes():
        single = first.get("group_id") if len(one.raw or []) <= 1 else None
        number = single if len(drawn.parts) == 1 else group
        return [
            {**base, "shape_type": "polygon", "group_id": number, "points": _points(part[0])} for part in drawn.parts
        ]
    if counts != NO_MASK:
        window = MaskWindow.of_counts(counts, shape)
        assert window is not None
        return [{**base, "group_id": None, **_mask(window, shape)}]
    return [{**base, "group_id": None, "shape_type": "rectangle", "points": _points(drawn.box)}]


def _flags(entry: Entry, drawn: LabelledObject) -> dict[str, Any]:
    given = entry.get("flags")
    own = given if isinstance(given, dict) else {}
    kept = {name: value for name, value in own.items() if name not in ATTRIBUTES}
    return kept | {name: True for name in ATTRIBUTES if name in drawn.attributes}


def _is_same_place(one: EditedObject, shape: Shape) -> bool:
    """Whether an object covers what its shapes say: then their own numbers stay."""
    before = _objects(one.raw, shape)[0]
    if not isinstance(before, EditedObject):
        return False
    return before.drawn.is_same_place(one.drawn)


def _points(numbers: Sequence[float]) -> list[list[float]]:
    points: list[list[float]] = np.reshape(numbers, (-1, 2)).tolist()
    return points


def _mask(window: MaskWindow, shape: Shape) -> Entry:
    """A brush mask: its first and its last pixel, and the pixels between as a PNG."""
    file, (x1, y1, x2, y2) = io.BytesIO(), window.box
    Image.fromarray(window.regions(shape).window(0).astype(np.uint8) * 255).convert("1").save(file, "PNG")
    points = [[float(x1), float(y1)], [float(x2 - 1), float(y2 - 1)]]
    return {"shape_type": "mask", "points": points, "mask": base64.b64encode(file.getvalue()).decode("ascii")}
