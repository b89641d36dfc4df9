"""One frame of a video with what was found and followed in it, and what takes such frames one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from maskrcnn.structures import Instances


@dataclass(frozen=True)
class TrackedFrame:
    """A decoded frame and its N objects.

    Attributes:
        index: of the frame in its file, from 0.
        time: seconds since the first frame, as the file's time stamps say.
        image: uint8 ``[H, W, 3]``, RGB, as it is shown (rotated where the file says so).
        objects: the N detections, in pixels of ``image``.
        ids: int64 ``[N]``, from 1: the tracker's number of each object, final.
        confirmed: bool ``[N]``: whether the object has been seen surely often enough to count, as far as known by now.
    """

    index: int
    time: float
    image: np.ndarray
    objects: Instances
    ids: np.ndarray
    confirmed: np.ndarray


class FrameSink(Protocol):
    """Takes the frames of one video in order, writes or counts as they come, and keeps no more than it must."""

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Write what can only be known at the end.

        Args:
            numbers: of every confirmed object, by the tracker's number: its number in files, from 1 without gaps.
        """


@runtime_checkable
class Droppable(Protocol):
    """A sink that writes a file while frames come."""

    def drop(self) -> None:
        """Leave nothing of it: what was begun ends before its time."""
