"""A project: the images of a folder, their objects, and how far each is. What a page or a script asks for ends here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from maskrcnn.data.class_names import usable_names
from maskrcnn.errors import DataError
from maskrcnn.files import exists, resolved
from maskrcnn.jobs.studio.bodies import FILE, body_of, checked
from maskrcnn.jobs.studio.journal import Journal
from maskrcnn.jobs.studio.opening import open_labels
from maskrcnn.jobs.studio.options import StudioOptions
from maskrcnn.jobs.studio.pictures import Pictures
from maskrcnn.jobs.studio.saving import Saver, Saving
from maskrcnn.jobs.studio.search import all_objects
from maskrcnn.jobs.studio.strokes import DONE, STATUSES, TODO, Body, Change, ImageState, Stroke
from maskrcnn.modalities.images.labels.editable import Classes, EditableImage, Written
from maskrcnn.modalities.images.labels.folders import lies_outside, plain_path
from maskrcnn.modalities.images.read.pictures import image_shape


@dataclass(frozen=True)
class ImageLine:
    """An image in the list.

    Attributes:
        id: from 1.
        name: of its file, from the folder on.
        status: ``todo``, ``draft`` or ``done``.
        objects: how many it has.
    """

    id: int
    name: str
    status: str
    objects: int


@dataclass(frozen=True)
class OpenImage:
    """An image that is worked on.

    Attributes:
        line: as in the list.
        shape: height and width.
        seq: its latest entry in the journal.
        undo: how many strokes can be undone.
        redo: how many can be done again.
        texts: its objects, each an id and json text.
    """

    line: ImageLine
    shape: tuple[int, int]
    seq: int
    undo: int
    redo: int
    texts: Sequence[tuple[int, str]]

    @property
    def objects(self) -> Mapping[int, Body]:
        """Its objects by id."""
        return {number: json.loads(text) for number, text in self.texts}


class Project:
    """The project in a folder. Its methods may be called by several threads.

    Args:
        options: what was asked for.

    Raises:
        UsageError, DataError: it cannot be opened; the sentence says what to do.
    """

    def __init__(self, options: StudioOptions) -> None:
        self.options, self.folder = options, options.folder()
        self.journal = Journal(options.journal_folder())
        try:
            saved = self.journal.fact("labels")
            place = None if saved is None else self.folder / saved
            self.opened = open_labels(options.data, self.folder, place)
        except BaseException:
            self.journal.close()
            raise
        self.labels = self.opened.labels
        self.pictures = Pictures()
        self.journal.ids_begin(self.labels.first_id)
        own = json.loads(self.journal.fact("classes") or "[]")
        names = dict.fromkeys([*self.labels.classes.names, *own])
        points = json.loads(self.journal.fact("keypoints") or "null")
        if points and not self.labels.classes.keypoint_names:
            limbs = tuple((int(a), int(b)) for a, b in points["skeleton"])
            self.classes = Classes(tuple(names), tuple(points["names"]), limbs)
        else:
            self.classes = replace(self.labels.classes, names=tuple(names))
        self.saver = Saver(self.opened, self.journal, self.folder, self.shape)
        if not self.is_labelled():  # somebody took the labels away: they are written anew
            states = self.journal.states()
            self.journal.set_saved({name: 0 for name, state in states.items() if state.seq})
        if self.unsaved():
            self._save_soon()

    def close(self) -> None:
        """Save what is not saved yet, and let the folder go."""
        if self.saver.close(self.classes):
            self.journal.close()

    def _save_soon(self) -> None:
        self.saver.save_soon(lambda: self.classes)

    def lines(self) -> list[ImageLine]:
        """All images, in order."""
        states = self.journal.states()
        return [self._line(k, image, states.get(image.name)) for k, image in enumerate(self.labels.images)]

    def _line(self, index: int, image: EditableImage, state: ImageState | None) -> ImageLine:
        if state is None:
            return ImageLine(index + 1, image.name, DONE if image.objects else TODO, image.objects)
        return ImageLine(index + 1, image.name, state.status, state.count)

    def line(self, number: int) -> ImageLine:
        """Image ``number``, from 1, as in the list."""
        image = self.image(number)
        return self._line(number - 1, image, self.journal.state(image.name))

    def image(self, number: int) -> EditableImage:
        """Image ``number``, from 1. Raises KeyError where there is none, DataError where it lies elsewhere."""
        if not 1 <= number <= len(self.labels.images):
            raise KeyError(number)
        image = self.labels.images[number - 1]
        if not self._is_inside(image.path):
            raise DataError(f"{image.name} lies outside the folder that is open, and is not shown: copy it there.")
        return image

    def _is_inside(self, path: Path) -> bool:
        root = resolved(self.folder)
        if resolved(path).is_relative_to(root):
            return True
        if plain_path(path).is_relative_to(plain_path(self.folder)):
            return False  # a link that leads outside
        return not lies_outside(path, self.labels.path) and resolved(path).is_relative_to(root.parent)

    def shape(self, number: int) -> tuple[int, int]:
        """Height and width of an image. Raises DataError where it cannot be read."""
        image = self.image(number)
        return image.shape or image_shape(image.path)

    def open(self, number: int) -> OpenImage:
        """An image with its objects.

        Args:
            number: of the image, from 1.

        Returns:
            The image as the journal has it; what its labels say, where the journal knows nothing of it.

        Raises:
            KeyError: there is no such image.
            DataError: it cannot be read.
        """
        image, shape = self._taken_in(number)
        state = self.journal.state(image.name) or ImageState(TODO)
        undo, redo = self.journal.depth(image.name)
        line = self._line(number - 1, image, state)
        return OpenImage(line, shape, state.seq, undo, redo, self.journal.object_texts(image.name))

    def _taken_in(self, number: int) -> tuple[EditableImage, tuple[int, int]]:
        """An image that the journal knows from now on, and its height and width."""
        image, shape = self.image(number), self.shape(number)
        if self.journal.state(image.name) is None:
            found = self.saver.read(number - 1, shape)
            bodies = [(one.drawn.id, body_of(one.drawn, FILE), one.raw) for one in found]
            self.journal.add_image(image.name, DONE if found else TODO, bodies)
        return image, shape

    def do(
        self, number: int, name: str, changes: Sequence[tuple[int | None, Body | None]], who: str, seq: int, key: str
    ) -> Stroke:
        """Write a stroke down, see :meth:`Journal.do`.

        Args:
            number: of the image, from 1.
            name: of the stroke.
            changes: ids and bodies; without an id a new object, without a body one that is gone.
            who: drew it.
            seq: the latest entry of the image that whoever drew it had seen.
            key: of the stroke's own.

        Returns:
            The stroke, with the ids of new objects.

        Raises:
            DataError: an object that cannot be one, or that is not there.
        """
        image, shape = self._taken_in(number)
        sides = shape[::-1]
        bodies = [(own, None if body is None else checked(body, sides)) for own, body in changes]
        ids = iter(self.journal.new_ids(sum(own is None for own, _ in bodies)))
        made = [Change(next(ids) if own is None else own, body) for own, body in bodies]
        if not self.journal.has_objects(image.name, [own for own, body in changes if own is not None and body is None]):
            raise DataError("There is no such object any more; the image is shown as it is now.")
        self.add_classes([body["class"] for _, body in bodies if body is not None])
        stroke = self.journal.do(image.name, name, made, who, seq, key)
        self._save_soon()
        return stroke

    def undo(self, number: int, who: str, redo: bool = False) -> Stroke | None:
        """Take the latest stroke back, or do it again, see :meth:`Journal.undo`.

        Args:
            number: of the image, from 1.
            who: asks for it.
            redo: do again what was undone.

        Returns:
            What that changed; None where there is nothing to take back.
        """
        stroke = self.journal.undo(self._taken_in(number)[0].name, who, redo)
        self._save_soon()
        return stroke

    def set_status(self, number: int, status: str, who: str) -> int:
        """Say how far an image is.

        Args:
            number: of the image, from 1.
            status: ``todo``, ``draft`` or ``done``.
            who: says so.

        Returns:
            The number of the entry.

        Raises:
            DataError: there is no such status.
        """
        if status not in STATUSES:
            raise DataError(f"A status is one of {', '.join(STATUSES)}, not {status[:40]}.")
        seq = self.journal.set_status(self._taken_in(number)[0].name, status, who)
        self._save_soon()
        return seq

    def add_classes(self, names: Sequence[str]) -> None:
        """Add classes that the project does not have yet. Raises DataError for what is no name."""
        new = [name for name in dict.fromkeys(names) if name not in self.classes.names]
        for name in new:
            if usable_names([name])[0][0] != name:
                raise DataError("The name of a class is one line of text, without space around it.")
        if new:
            self.classes = replace(self.classes, names=(*self.classes.names, *new))
            self.journal.set_fact("classes", json.dumps(self.classes.names))

    def set_keypoints(self, names: Sequence[str], skeleton: Sequence[tuple[int, int]]) -> None:
        """Say what the points of an object are. Raises DataError where objects have some already."""
        if self.labels.classes.keypoint_names and tuple(names) != self.labels.classes.keypoint_names:
            raise DataError("The labels name their keypoints already, and objects have them.")
        if any(not 0 <= k < len(names) for limb in skeleton for k in limb):
            raise DataError("A limb joins two points, counted from 0.")
        self.classes = replace(self.classes, keypoint_names=tuple(names), skeleton=tuple(skeleton))
        self.journal.set_fact("keypoints", json.dumps({"names": list(names), "skeleton": list(skeleton)}))

    def gallery(self, name: str, below: float = 1.0) -> list[tuple[ImageLine, int, Body]]:
        """The objects of a class (of all, without a name) in the images that were opened, with their images; with
        ``below``, those alone that a model proposed with such a score, the lowest first."""
        lines = {line.name: line for line in self.lines()}
        found = all_objects(self.journal, name, below)
        return [(lines[image], number, body) for image, number, body in found if image in lines]

    def look_at_labels(self, seconds: float) -> int:
        """Take in images of which nothing but their labels is known, for a while; how many are left after it."""
        until, known = time.monotonic() + seconds, self.journal.states()
        left = [k for k, own in enumerate(self.labels.images, 1) if own.objects and own.name not in known]
        for count, number in enumerate(left):
            if time.monotonic() > until:
                return len(left) - count
            with suppress(DataError):  # it cannot be read, which is said where it is opened
                self._taken_in(number)
        return 0

    def unsaved(self) -> list[str]:
        """Names of images whose latest strokes are not in the labels yet."""
        return self.saver.unsaved()

    def saving(self) -> Saving:
        """How the labels stand to the journal."""
        return self.saver.state()

    def save(self) -> Written:
        """Write the labels now, see :meth:`Saver.save`."""
        return self.saver.save(self.classes)

    def is_labelled(self) -> bool:
        """Whether there are labels on the disk."""
        return exists(self.labels.path)
