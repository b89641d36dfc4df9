"""The best view of each object, cut out as a picture: large, sure, sharp and not at the edge of the frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.files import atomic_write
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labels import Votes, object_stem

AROUND = 0.08  # of the longer side, that is shown around an object
AT_EDGE = 0.4  # what a view is worth whose object is cut off by the edge, as part of a whole one
LARGEST = 512  # pixels of the longer side that are kept of a view
GONE = 90  # frames after which the view of an object that was never sure is given up


@dataclass
class View:
    """What is kept of an object.

    Attributes:
        worth: of the view, higher is better.
        picture: RGB.
        frame: from 0.
        last: the frame in which the object was last seen.
    """

    worth: float
    picture: Image.Image
    frame: int
    last: int


class BestViews:
    """A sink that keeps one small picture of each object.

    Args:
        folder: for the pictures, ``CLASS-NUMBER.jpg``.
        class_names: of labels 1..K.
    """

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        self.folder, self.class_names = folder, class_names
        self._votes, self._views = Votes(), {}  # type: ignore[var-annotated]
        self._sure: set[int] = set()

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        self._votes.add(frame)
        self._sure.update(frame.ids[frame.confirmed].tolist())
        boxes = frame.objects.boxes.double().numpy()
        for number, box, score in zip(frame.ids.tolist(), boxes, frame.objects.scores.tolist()):
            view = self._views.get(number)
            window = _window(box, frame.image.shape[:2])
            worth = _worth(box, score, frame.image.shape[:2])
            if window is not None and (view is None or worth > 1.02 * view.worth):
                picture = _cut(frame.image, window)
                self._views[number] = View(worth, picture, frame.index, frame.index)
            elif view is not None:
                view.last = frame.index
        gone = [n for n, v in self._views.items() if n not in self._sure and frame.index - v.last > GONE]
        for number in gone:
            del self._views[number]

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Write the pictures.

        Args:
            numbers: as :class:`FrameSink` says.
        """
        for own, number in numbers.items():
            if own in self._views:
                label = self._votes.label(own)
                name = object_stem(self.class_names[label - 1] if label > 0 else "", number)
                with atomic_write(self.folder / f"{name}.jpg") as beside:
                    self._views[own].picture.save(beside, quality=92)


def _worth(box: np.ndarray, score: float, extent: Sequence[int]) -> float:
    """Side length times sureness, less at the edge of the frame."""
    x1, y1, x2, y2 = box.tolist()
    height, width = extent
    whole = x1 > 1 and y1 > 1 and x2 < width - 1 and y2 < height - 1
    side = math.sqrt(max(x2 - x1, 0) * max(y2 - y1, 0))
    return side * (score if score == score else 1.0) * (1.0 if whole else AT_EDGE)


def _window(box: np.ndarray, extent: Sequence[int]) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is shown; None where nothing is in the frame."""
    x1, y1, x2, y2 = box.tolist()
    edge = AROUND * max(x2 - x1, y2 - y1)
    left, top = max(0, math.floor(x1 - edge)), max(0, math.floor(y1 - edge))
    right, bottom = min(extent[1], math.ceil(x2 + edge)), min(extent[0], math.ceil(y2 + edge))
    return (left, top, right, bottom) if right > left and bottom > top else None


def _cut(image: np.ndarray, window: tuple[int, int, int, int]) -> Image.Image:
    left, top, right, bottom = window
    picture = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return picture
