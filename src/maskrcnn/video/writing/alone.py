"""A video of the objects alone: what none of them covers is one colour, or transparent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from maskrcnn.drawing.colours import Color
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.privacy.background import cover, on_colour
from maskrcnn.video.reading.clip import About
from maskrcnn.video.writing.encode import Encoded, Form


class ObjectsAlone:
    """Writes objects without their background. It is a :class:`maskrcnn.video.frames.FrameSink`.

    Args:
        path: of the video that is written.
        about: the video that is read.
        form: of the file; one with transparency where there is no colour.
        colour: of the background; None: transparent.
    """

    def __init__(self, path: Path, about: About, form: Form, colour: Color | None = None) -> None:
        self.file, self.colour = Encoded(path, about, form), colour

    def add(self, frame: TrackedFrame) -> None:
        """Write the next frame."""
        covered = cover(frame)
        if self.colour is None:
            image = np.concatenate([frame.image, covered[..., None]], 2)
        else:
            image = on_colour(frame.image, covered, self.colour)
        self.file.add(image, frame.time)

    def finish(self, numbers: Mapping[int, int]) -> None:
        """End the video."""
        self.file.close()

    def drop(self) -> None:
        """Leave nothing of a video that was not finished."""
        self.file.close(whole=False)
