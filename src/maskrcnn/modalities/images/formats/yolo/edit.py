"""YOLO's label files that are edited in place: rows that nobody touched stay as they are, to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.text import encoding_of
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file, is_folder
from maskrcnn.masks.rasterise import outline_box
from maskrcnn.modalities.images.formats.yolo.class_names import add_names, names_of
from maskrcnn.modalities.images.formats.yolo.description import Description
from maskrcnn.modalities.images.formats.yolo.read import VISIBLE, described, label_file, list_images, parse_row
from maskrcnn.modalities.images.labels.conversion_loss import KEYPOINTS
from maskrcnn.modalities.images.labels.editable import (
    ATTRIBUTES,
    Classes,
    EditableImage,
    EditedImage,
    EditedObject,
    LabelledObject,
    Shape,
    Written,
)
from maskrcnn.modalities.images.labels.in_place.merging import merge_in_place
from maskrcnn.modalities.images.labels.in_place.outline import one_outline

MARKS = "objects whose marks (crowd, truncated, difficult) are lost"
BOXES_ALONE = "masks and outlines of which only the box is kept, as rows of poses have no more"
NO_SIDES = (1, 1)
JOINS = "YOLO keeps one outline for each object: {what} joined to it by lines without width."
LIMITS = {
    "holes": JOINS.format(what="holes are"),
    "parts": JOINS.format(what="several parts are"),
    **{name: f"YOLO has no mark {name}: it stays in the studio's journal and is not saved." for name in ATTRIBUTES},
}
NO_POINTS = {
    "keypoints": "This YOLO data set has no kpt_shape in data.yaml: keypoints stay in the journal and are not saved."
}
NO_MASKS = dict.fromkeys(
    ("mask", "parts", "holes"), "These are YOLO poses, which have boxes alone: masks are not saved."
)


@dataclass
class YoloFiles:
    """The label files of YOLO: one for each image, in ``labels/`` or beside it.

    Attributes:
        path: that was opened.
        images: of all splits; others may be added behind them.
        classes: in the order of their numbers.
        problems: what is wrong with the files.
        description: of the data set.
    """

    path: Path
    images: list[EditableImage] = field(default_factory=list)
    classes: Classes = Classes()
    problems: list[str] = field(default_factory=list)
    description: Description = Description(None)  # noqa: RUF009 - it is frozen
    first_id: int = 1
    _written: dict[str, dict[int, str]] = field(default_factory=dict)  # rows of objects, by file and id

    @property
    def limits(self) -> Mapping[str, str]:
        """What cannot be held."""
        return {**LIMITS, **(NO_MASKS if self.description.keypoints[0] else NO_POINTS)}

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image, each with its row.

        Args:
            index: of the image.
            shape: its height and width.

        Returns:
            The objects; rows that are none stay in the file.
        """
        found = _rows_of(label_file(self.images[index].path))
        return [one for one in self._objects(found.rows, shape) if isinstance(one, EditedObject)]

    def _objects(self, rows: list[str], shape: Shape) -> list[EditedObject | str]:
        found: list[EditedObject | str] = []
        number = 0
        for text in rows:
            try:
                row = parse_row(text.split(), shape, self.description)
            except (ValueError, IndexError):
                found.append(text)
                continue
            number += 1
            name = self.classes.names[row.label] if row.label < len(self.classes.names) else f"class {row.label}"
            box = row.box or outline_box([row.outline or []])
            parts = () if row.outline is None else ((tuple(row.outline),),)
            points = () if row.keypoints is None or not row.keypoints[:, 2].any() else row.keypoints.tolist()
            keypoints = tuple((x, y, int(v)) for x, y, v in points)
            found.append(EditedObject(LabelledObject(number, name, box, None, parts, keypoints), text, unchanged=True))
        return found

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the label files of these images anew, see :class:`Editable`.

        Args:
            images: by their indices.
            classes: all of them; those that the data set does not name yet are added to where it names them.

        Returns:
            What was written, and what was lost.

        Raises:
            DataError: the new classes cannot be added.
        """
        new = [name for name in classes.names if name not in self.classes.names]
        if new:
            names = (*self.classes.names, *new)
            add_names(self.path, self.description, names, len(new))
            self.classes = replace(self.classes, names=names)
            if self.description.class_names:
                self.description = replace(self.description, class_names=names)
        numbers = {name: k for k, name in enumerate(self.classes.names)}
        lost: Counter[str] = Counter()
        for index, edited in images.items():
            file = label_file(self.images[index].path)
            old = _rows_of(file)
            written = self._written.setdefault(str(file), {})
            before = self._objects(old.rows, edited.shape)
            raw_of = partial(self._row, shape=edited.shape, numbers=numbers, lost=lost)
            merged = merge_in_place(before, edited, written, raw_of)
            now = [one if isinstance(one, str) else one[1] for one in merged]
            if now != old.rows or not is_file(file):
                text = old.ending.join(now) + (old.ending if now and old.is_ended else "")
                with atomic_write(file) as temporary:
                    temporary.write_bytes(text.encode(old.encoding))
            self.images[index] = replace(self.images[index], labelled=True, objects=len(edited.objects))
        return Written(self.path, sum(len(image.objects) for image in images.values()), +lost)

    def _row(self, one: EditedObject, shape: Shape, numbers: Mapping[str, int], lost: Counter[str]) -> str:
        """An object as YOLO has it: its own row, with what was changed."""
        drawn, count = one.drawn, self.description.keypoints[0]
        lost[MARKS] += bool(drawn.attributes)
        lost[KEYPOINTS] += bool(drawn.keypoints) and not count
        if one.unchanged and one.raw is not None:
            return str(one.raw)
        label = str(numbers[drawn.name])
        if one.raw is not None:
            before = self._objects([one.raw], shape)[0]
            if (
                isinstance(before, EditedObject)
                and before.drawn.is_same_place(drawn)
                and _points(before.drawn) == _points(drawn)
            ):
                return str(one.raw).replace(one.raw.split()[0], label, 1)
        sides = np.array(shape[::-1], dtype=np.float64)
        if count:
            lost[BOXES_ALONE] += drawn.mask is not None or bool(drawn.parts)
            return " ".join([label, *_box(drawn, sides), *self._keypoints(drawn, sides)])
        corners = one_outline(drawn, shape, lost)
        if corners is None:
            return " ".join([label, *_box(drawn, sides)])
        return " ".join([label, *(f"{value:.8g}" for value in np.clip(corners / sides, 0, 1).ravel())])

    def _keypoints(self, drawn: LabelledObject, sides: np.ndarray) -> list[str]:
        count, each = self.description.keypoints
        points = [*drawn.keypoints, *[(0.0, 0.0, 0)] * count][:count]
        words = []
        for x, y, visible in points:
            place = [x / sides[0], y / sides[1]] if visible else [0.0, 0.0]
            words += [*(f"{value:.8g}" for value in place), *([str(visible)] if each == VISIBLE else [])]
        return words


def _points(drawn: LabelledObject) -> list[tuple[float, float, int]]:
    return [(round(x, 3), round(y, 3), v) for x, y, v in drawn.keypoints]


def _box(drawn: LabelledObject, sides: np.ndarray) -> list[str]:
    low, high = np.split(np.array(drawn.box), 2)
    return [f"{value:.10g}" for value in np.concatenate([(low + high) / 2 / sides, (high - low) / sides])]


@dataclass(frozen=True)
class _Rows:
    """The rows of a label file, what ends each, whether the last is ended as well, and the file's encoding."""

    rows: list[str]
    ending: str
    is_ended: bool
    encoding: str


def _rows_of(file: Path) -> _Rows:
    """None where there is no such file. Raises DataError where it is no text."""
    try:
        content = file.read_bytes() if is_file(file) else b""
        text = content.decode(encoding_of(content))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as text ({error}); write it again.") from error
    ending = "\r\n" if "\r\n" in text else "\n"
    rows = text.split(ending)
    is_ended = rows[-1] == ""
    return _Rows(rows[:-1] if is_ended else rows, ending, is_ended, encoding_of(content))


def open_folder(path: Path) -> YoloFiles:
    """The images of all splits, see :func:`maskrcnn.modalities.images.formats.yolo.read.open_folder`.

    Args:
        path: of ``data.yaml``, of its folder, or of a folder with ``images/`` and ``labels/`` or with both in one.

    Returns:
        Their labels, which can be edited; there may be none yet.

    Raises:
        DataError: there are no images, or the description cannot be read.
    """
    description, is_whole = described(path)
    places = [place for _, own in description.splits for place in own] if is_whole else [path]
    problems = list(description.problems)
    files = dict.fromkeys(file for place in places for file in list_images(place, problems))
    if not files:
        raise DataError(f"{path}: there are no images in {', '.join(map(str, places))}.")
    root = path if is_folder(path) else path.parent
    images, most = [], -1
    for file in files:
        labels = []
        for number, text in enumerate(_rows_of(label_file(file)).rows, start=1):
            try:
                labels.append(parse_row(text.split(), NO_SIDES, description).label)
            except (ValueError, IndexError) as error:
                problems += [f"{label_file(file)}: row {number} {error} and stays as it is."] if text.strip() else []
        most = max([most, *labels])
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        images.append(EditableImage(file, name, None, bool(labels), None, len(labels)))
    names, changed = names_of(path, description, most + 1)
    classes = Classes(names, description.keypoint_names)
    return YoloFiles(path, images, classes, problems + changed, description)


def open_file(path: Path) -> YoloFiles:
    """The images that a description names, see :func:`open_folder`."""
    return open_folder(path)
