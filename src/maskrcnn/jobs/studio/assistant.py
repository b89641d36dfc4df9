"""The user's own model at hand: masks of boxes and clicks, proposals, and the image of which it is least sure."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from maskrcnn.errors import DataError, UsageError
from maskrcnn.inference.options import PredictOptions
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.studio.bodies import body_of
from maskrcnn.jobs.studio.pictures import Kept
from maskrcnn.jobs.studio.strokes import Body
from maskrcnn.modalities.images.labels.editable import LabelledObject, MaskWindow
from maskrcnn.modalities.images.read.pictures import read_record_image
from maskrcnn.modalities.table import kinds
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.structures import Instances, Record

MODEL = "model"
LOWEST = 0.05  # score from which on something is proposed at all
SAME = 0.5  # overlap of boxes from which on a proposal is an object that is there already
CLICKED = 0.1  # part of the shorter side that a box around a click reaches, where nothing was found there
UNSEEN = 0.6  # how unsure a model counts where it finds nothing: a bit more than where it is half sure
KEPT_IMAGES, KEPT_FINDINGS = 3, 4096
KEPT_FEATURES = 2  # images whose features are kept, some 60 MB each


@dataclass(frozen=True)
class Loaded:
    """A model that was loaded.

    Attributes:
        name: as it was asked for.
        classes: that it knows.
        trained: whether it was trained in this project.
    """

    name: str
    classes: tuple[str, ...]
    trained: bool = False


class Assistant:
    """A model, loaded when it is first needed. Several threads may ask; it looks at one thing at a time.

    Args:
        name: of the model: a shipped one or a file; ``none``: there is none.
        device: where it runs.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        self._name, self._device, self._trained = name, device, False
        self._mutex = threading.Lock()
        self._predictor: Predictor | None = None
        self._images, self._found = Kept(KEPT_IMAGES), Kept(KEPT_FINDINGS)
        self._version = 0

    @property
    def name(self) -> str:
        """Of the model that is used."""
        return self._name

    def use(self, name: str, trained: bool = False) -> Loaded:
        """Use another model from now on; the one before stays where that one cannot be loaded.

        Args:
            name: a shipped model or a file.
            trained: whether it was trained in this project.

        Returns:
            The model.

        Raises:
            UsageError, CheckpointError: it cannot be loaded.
        """
        predictor = None if name == "none" else Predictor.load(name, self._device)
        if predictor is not None and not kinds()[predictor.info.notes.get("kind", "image")].is_picture:
            raise UsageError(f"{name} is no model of images: name another one with --model.")
        if predictor is not None:
            _keep_features(predictor.model.backbone)
        with self._mutex:
            self._predictor, self._name, self._trained = predictor, name, trained
            self._version += 1
            self._found = Kept(KEPT_FINDINGS)
        return Loaded(name, () if predictor is None else predictor.class_names, trained)

    def loaded(self) -> Loaded:
        """What is used, loaded now where it was not yet."""
        predictor = self._ready()
        return Loaded(self._name, predictor.class_names, self._trained)

    def masks(self, path: Path, shape: tuple[int, int], boxes: Sequence[Sequence[float]], name: str) -> list[Body]:
        """The objects in boxes that somebody drew.

        Args:
            path: of the image.
            shape: its height and width.
            boxes: x1, y1, x2, y2 each, in pixels.
            name: of their class; empty: what the model thinks.

        Returns:
            An object for each box, with the mask that the model sees in it; where it sees none, the box alone.

        Raises:
            DataError: the image cannot be read.
            UsageError: there is no model.
        """
        predictor = self._ready()
        image = self._image(path, shape)
        label = predictor.class_names.index(name) + 1 if name in predictor.class_names else None
        labels = None if label is None else torch.full((len(boxes),), label, dtype=torch.int64)
        drawn = torch.tensor([list(map(float, box)) for box in boxes]).reshape(-1, 4)
        with self._mutex, _failures(self._name, path):
            found = predictor.masks(image, drawn, labels)
        return _bodies(found, predictor.class_names, name)

    def clicked(self, path: Path, shape: tuple[int, int], x: float, y: float, name: str) -> Body:
        """The object at a point: what the model finds there, the smallest that it is sure of; else what it sees in a
        box around the point.

        Args:
            path: of the image.
            shape: its height and width.
            x: of the point, in pixels.
            y: of the point, in pixels.
            name: of its class; empty: what the model thinks.

        Returns:
            The object.

        Raises:
            DataError: the image cannot be read.
            UsageError: there is no model.
        """
        predictor = self._ready()
        found = self.found(path, shape)
        hit = [i for i in range(len(found)) if _covers(found, i, x, y)]
        if hit:
            best = max(hit, key=lambda i: float(found.scores[i]))
            own = _bodies(found[torch.tensor([best])], predictor.class_names, name)[0]
            return own
        reach = max(8.0, CLICKED * min(shape))
        box = (max(0.0, x - reach), max(0.0, y - reach), min(shape[1], x + reach), min(shape[0], y + reach))
        return self.masks(path, shape, [box], name)[0]

    def proposals(
        self, path: Path, shape: tuple[int, int], score: float, there: Sequence[Sequence[float]]
    ) -> list[Body]:
        """What the model finds, but for what is there already.

        Args:
            path: of the image.
            shape: its height and width.
            score: the lowest, 0..1.
            there: boxes of the objects that it has.

        Returns:
            Objects with their scores, best first.

        Raises:
            DataError: the image cannot be read.
            UsageError: there is no model.
        """
        predictor = self._ready()
        found = self.found(path, shape)
        kept = found.scores >= score
        if there and len(found):
            own = torch.tensor([list(map(float, box)) for box in there])
            kept &= pairwise_iou(found.boxes, own).amax(1) < SAME
        return _bodies(found[kept], predictor.class_names, "")

    def found(self, path: Path, shape: tuple[int, int]) -> Instances:
        """All that the model finds in an image; kept, so that it looks once."""
        predictor, key = self._ready(), (str(path), path.stat().st_mtime_ns, self._version)
        found = self._found.get(key)
        if found is None:
            image = self._image(path, shape)
            with self._mutex, _failures(self._name, path):
                found = predictor(image, None, PredictOptions(score=LOWEST))
            self._found.put(key, found)
        return found  # type: ignore[no-any-return]

    def doubt(self, path: Path, shape: tuple[int, int]) -> float:
        """How unsure the model is of an image, 0..1: of the object of which it is least sure."""
        scores = self.found(path, shape).scores
        return UNSEEN if not len(scores) else float((1 - (2 * scores - 1).abs()).max())

    def _ready(self) -> Predictor:
        if self._name == "none":
            raise UsageError("There is no model: start the studio with --model, or train one.")
        if self._predictor is None:
            self.use(self._name)
        assert self._predictor is not None
        return self._predictor

    def _image(self, path: Path, shape: tuple[int, int]) -> Tensor:
        key = (str(path), shape)
        image = self._images.get(key)
        if image is None:
            try:
                record = Record(str(path), 0, path.name, shape, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
                image = self._images.put(key, read_record_image(record))
            except OSError as error:
                raise DataError(f"{path.name} cannot be read ({error.strerror}).") from None
        return image  # type: ignore[no-any-return]


def _keep_features(backbone: nn.Module) -> None:
    """Let a backbone keep what it made of the latest images: from one box to the next on an image nothing changes."""
    compute, kept = backbone.forward, deque[tuple[Tensor, Any]](maxlen=KEPT_FEATURES)

    def forward(images: Tensor) -> Any:
        for known, features in kept:
            if known.shape == images.shape and torch.equal(known, images):
                return features
        kept.append((images, compute(images)))
        return kept[-1][1]

    vars(backbone)["forward"] = forward


@contextmanager
def _failures(name: str, path: Path) -> Iterator[None]:
    """What torch cannot do, memory that is not there above all, in a sentence; what was drawn is not touched by it."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        why = (str(error).splitlines() or ["out of memory"])[0]
        raise DataError(
            f"The model {name} failed at {path.name} ({why[:200]}): draw by hand, or use another one with --model."
        ) from error


def same_objects(labelled: Sequence[Body], seen: Sequence[Body]) -> np.ndarray:
    """Which objects are the same, of one class and overlapping boxes: bool, a row for each that is labelled."""
    first, second = (torch.tensor([body["box"] for body in bodies]).reshape(-1, 4) for bodies in (labelled, seen))
    classes = np.array([[a["class"] == b["class"] for b in seen] for a in labelled], bool)
    overlaps: np.ndarray = pairwise_iou(first, second).numpy() >= SAME
    same: np.ndarray = overlaps & classes.reshape(overlaps.shape)
    return same


def _covers(found: Instances, i: int, x: float, y: float) -> bool:
    x1, y1, x2, y2 = found.boxes[i].tolist()
    if not (x1 <= x < x2 and y1 <= y < y2):
        return False
    if found.regions is None:
        return True
    (top, left), window = found.regions.offsets[i].tolist(), found.regions.window(i)
    row, column = int(y) - top, int(x) - left
    return 0 <= row < window.shape[0] and 0 <= column < window.shape[1] and bool(window[row, column])


def _bodies(found: Instances, names: Sequence[str], name: str) -> list[Body]:
    """Objects that a model found, as json; with ``name``, all of that class."""
    bodies = []
    for i in range(len(found)):
        mask = None if found.regions is None else MaskWindow.of_regions(found.regions, i)
        x1, y1, x2, y2 = map(float, found.boxes[i].tolist() if mask is None else mask.box)
        label, score = int(found.labels[i]), float(found.scores[i])
        own = name or (names[label - 1] if label > 0 else "object")
        drawn = LabelledObject(0, own, (x1, y1, x2, y2), mask)
        bodies.append(body_of(drawn, MODEL, None if score != score else round(score, 4)))
    return bodies
