"""All that a studio has at hand: the project, the model, and its training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import DataError, MaskRCNNError
from maskrcnn.files import is_file
from maskrcnn.jobs.studio.assistant import Assistant, Loaded, same_objects
from maskrcnn.jobs.studio.options import StudioOptions
from maskrcnn.jobs.studio.project import ImageLine, Project
from maskrcnn.jobs.studio.strokes import DONE, TODO, Body
from maskrcnn.jobs.studio.training import RUNNING, Training
from maskrcnn.pretrained import DEFAULT_MODEL

LOOKING = 2.0  # seconds that the search for the next image may take
NO_MODEL = "none"
SURE = 0.5  # score from which on the model says that something is there
MISSED, FALSE = "missed", "false"


@dataclass(frozen=True)
class Next:
    """The image to label next.

    Attributes:
        id: of the image; None where none is left to do.
        doubt: how unsure the model is of it, 0..1; None where it was not asked.
        looked: how many images the model has looked at for it.
    """

    id: int | None
    doubt: float | None = None
    looked: int = 0


@dataclass(frozen=True)
class Disagreement:
    """An object of an image of which the model and its labels say different things.

    Attributes:
        image: its line in the list.
        kind: ``missed``: it is labelled, and the model does not find it; ``false``: the model alone finds it.
        id: of the labelled object; None of one that the model alone finds.
        body: the object.
    """

    image: ImageLine
    kind: str
    id: int | None
    body: Body


@dataclass(frozen=True)
class Disagreements:
    """Of some images.

    Attributes:
        found: image by image.
        looked: how many images the model has looked at for it.
        after: the image with which it ended; None where none is left.
    """

    found: Sequence[Disagreement]
    looked: int
    after: int | None


class Desk:
    """What one studio serves, until :meth:`close`.

    Args:
        options: what was asked for.
        version: of the package, which the page shows.

    Raises:
        UsageError, DataError: it cannot be opened; the sentence says what to do.
    """

    def __init__(self, options: StudioOptions, version: str = "") -> None:
        options.check()
        self.version = version
        self._limit = ExitStack()
        self._limit.enter_context(at_most(options.max_pixels))
        try:
            self.project = Project(options)
        except BaseException:
            self._limit.close()
            raise
        own = self.project.journal.fact("model")
        trained = own is not None and options.model == DEFAULT_MODEL and is_file(own)
        self.assistant = Assistant(str(own) if trained else options.model, options.device)
        self.training = Training(self.project, self._use_trained)

    def close(self) -> None:
        """Stop a training, save, and let the folder go."""
        if self.training.state().state == RUNNING:
            self.training.stop()
        self.project.close()
        self._limit.close()

    def use(self, name: str, trained: bool = False) -> Loaded:
        """Use another model from now on, see :meth:`Assistant.use`."""
        return self.assistant.use(name, trained)

    def _use_trained(self, best: Path) -> None:
        try:
            self.use(str(best), trained=True)
            self.project.journal.set_fact("model", str(best.absolute()))
        except MaskRCNNError:
            return  # the model before stays; what the training said is shown

    def masks(self, number: int, boxes: list[list[float]], name: str) -> list[Body]:
        """Masks of boxes that somebody drew, see :meth:`Assistant.masks`.

        Args:
            number: of the image, from 1.
            boxes: x1, y1, x2, y2 each, in pixels.
            name: of their class; empty: what the model thinks.

        Returns:
            An object for each box.
        """
        image, shape = self.project.image(number), self.project.shape(number)
        return self.assistant.masks(image.path, shape, boxes, name)

    def clicked(self, number: int, x: float, y: float, name: str) -> Body:
        """The object at a point, see :meth:`Assistant.clicked`.

        Args:
            number: of the image, from 1.
            x: of the point, in pixels.
            y: of the point, in pixels.
            name: of its class; empty: what the model thinks.

        Returns:
            The object.
        """
        image, shape = self.project.image(number), self.project.shape(number)
        return self.assistant.clicked(image.path, shape, x, y, name)

    def proposals(self, number: int, score: float) -> list[Body]:
        """What the model finds beside the objects that are there, see :meth:`Assistant.proposals`."""
        image, opened = self.project.image(number), self.project.open(number)
        there = [body["box"] for body in opened.objects.values()]
        return self.assistant.proposals(image.path, opened.shape, score, there)

    def disagreements(self, after: int) -> Disagreements:
        """Where the model and the labels say different things, in images with labels.

        Args:
            after: only images behind this one.

        Returns:
            What was found in the time that there is; asking with its ``after`` goes on.

        Raises:
            UsageError: there is no model.
        """
        lines = [line for line in self.project.lines() if line.id > after and (line.objects or line.status == DONE)]
        until, found, looked = time.monotonic() + LOOKING, [], 0
        for line in lines:
            with suppress(DataError):  # it cannot be read, which is said where it is opened
                found += self._differences(line)
                looked += 1
            if time.monotonic() > until and line is not lines[-1]:
                return Disagreements(found, looked, line.id)
        return Disagreements(found, looked, None)

    def _differences(self, line: ImageLine) -> list[Disagreement]:
        image, opened = self.project.image(line.id), self.project.open(line.id)
        seen = self.assistant.proposals(image.path, opened.shape, SURE, [])
        labelled = opened.objects
        matched = same_objects(list(labelled.values()), seen)
        missed = [
            Disagreement(line, MISSED, number, body)
            for (number, body), row in zip(labelled.items(), matched)
            if not row.any() and body["class"] in self.assistant.loaded().classes
        ]
        alone = [body for body, column in zip(seen, matched.T) if not column.any()]
        return missed + [Disagreement(line, FALSE, None, body) for body in alone]

    def next_image(self, after: int) -> Next:
        """The image to do of which the model is least sure, among those that it has time to look at.

        Args:
            after: the image that is on the screen; what follows it is looked at first.

        Returns:
            The image; in order where there is no model.
        """
        lines = [line for line in self.project.lines() if line.status == TODO and line.id != after]
        lines = [line for line in lines if line.id > after] + [line for line in lines if line.id < after]
        if not lines:
            return Next(None)
        if self.assistant.name == NO_MODEL:
            return Next(lines[0].id)
        until, best, looked = time.monotonic() + LOOKING, Next(None), 0
        for line in lines:
            try:
                image, shape = self.project.image(line.id), self.project.shape(line.id)
                doubt = self.assistant.doubt(image.path, shape)
            except DataError:
                continue  # it cannot be read, which is said where it is opened
            except MaskRCNNError:
                return Next(lines[0].id)
            looked += 1
            if best.doubt is None or doubt > best.doubt:
                best = Next(line.id, doubt)
            if time.monotonic() > until:
                break
        return Next(best.id if best.id is not None else lines[0].id, best.doubt, looked)
