"""Labels on the disk: written from the journal by themselves when nobody has drawn for a while, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maskrcnn.errors import DataError, MaskRCNNError
from maskrcnn.files import is_file, resolved
from maskrcnn.jobs.studio.bodies import object_of
from maskrcnn.jobs.studio.journal import Journal
from maskrcnn.jobs.studio.opening import Opened
from maskrcnn.jobs.studio.strokes import Body, as_text
from maskrcnn.modalities.images.labels.editable import Classes, EditedImage, EditedObject, Written

IDLE = 2.0  # seconds after the last stroke


@dataclass(frozen=True)
class Saving:
    """How the labels stand to the journal.

    Attributes:
        path: of the labels.
        form: their format.
        unsaved: images with strokes that are in the journal and not in the labels yet.
        error: why they could not be saved; empty where they could.
        notes: what the format could not hold.
        limits: what it cannot hold, and what becomes of it.
    """

    path: Path
    form: str
    unsaved: int
    error: str = ""
    notes: tuple[str, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)


class Saver:
    """Writes what the journal has into the labels. Its methods may be called by several threads.

    Args:
        opened: the labels.
        journal: of the project.
        folder: of the project.
        shape: height and width of an image, by its number from 1.
    """

    def __init__(self, opened: Opened, journal: Journal, folder: Path, shape: Callable[[int], tuple[int, int]]) -> None:
        self._labels, self._form, self._journal = opened.labels, opened.form, journal
        self._folder, self._shape = folder, shape
        self._mutex = threading.RLock()
        self._timer: threading.Timer | None = None
        self._error, self._closed = "", False
        self._notes: tuple[str, ...] = ()
        self._index = {image.name: k for k, image in enumerate(self._labels.images)}

    def close(self, classes: Classes) -> bool:
        """Save what is not saved yet; False where that was done before."""
        with self._mutex:
            if self._closed:
                return False
            if self.unsaved():
                self._save_quietly(lambda: classes)
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        return True

    def read(self, index: int, shape: tuple[int, int]) -> list[EditedObject]:
        """What the labels have of an image; not while they are written."""
        with self._mutex:
            return self._labels.read(index, shape)

    def unsaved(self) -> list[str]:
        """Names of images whose latest strokes are not in the labels yet."""
        states = self._journal.states()
        names = [name for name, state in states.items() if state.seq > state.saved and name in self._index]
        return sorted(names, key=self._index.__getitem__)

    def state(self) -> Saving:
        """How the labels stand to the journal."""
        return Saving(self._labels.path, self._form, len(self.unsaved()), self._error, self._notes, self._labels.limits)

    def save(self, classes: Classes) -> Written:
        """Write the labels of all images that were worked on since, whole or not at all.

        Args:
            classes: of the project.

        Returns:
            What was written.

        Raises:
            DataError: they cannot be written; the journal has all of it still.
        """
        with self._mutex:
            states, names = self._journal.states(), self.unsaved()
            images = {self._index[name]: self._edited(name) for name in names}
            try:
                written = self._labels.write(images, classes)
            except OSError as error:
                where, why = self._labels.path, error.strerror or error
                raise DataError(f"{where} cannot be written ({why}); nothing is lost: it is in the journal.") from None
            self._journal.set_saved({name: states[name].seq for name in names})
            place, root = resolved(self._labels.path), resolved(self._folder)
            if is_file(place) and place.is_relative_to(root):
                self._journal.set_fact("labels", place.relative_to(root).as_posix())
            self._error = ""
            self._notes = tuple(f"{count} {what}." for what, count in sorted(written.lost.items()))
        return written

    def save_soon(self, classes: Callable[[], Classes]) -> None:
        """Save when nobody has drawn for a while."""
        with self._mutex:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(IDLE, self._save_quietly, (classes,))
            self._timer.daemon = True
            self._timer.start()

    def _edited(self, name: str) -> EditedImage:
        imported = self._journal.imported(name)
        objects = []
        for number, body in self._journal.objects(name).items():
            before, raw = imported.get(number, (None, None))
            objects.append(EditedObject(object_of(number, body), raw, before is not None and _same(before, body)))
        objects.sort(key=lambda one: (one.drawn.z, one.drawn.id))
        return EditedImage(objects, self._shape(self._index[name] + 1))

    def _save_quietly(self, classes: Callable[[], Classes]) -> None:
        with self._mutex:
            if self._closed:
                return
            try:
                self.save(classes())
            except MaskRCNNError as error:
                self._error = str(error)


def _same(before: Body, now: Body) -> bool:
    """Whether an object is as it came, whatever lies above it."""
    return as_text({**before, "source": "", "z": 0}) == as_text({**now, "source": "", "z": 0})
