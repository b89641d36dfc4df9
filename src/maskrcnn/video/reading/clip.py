"""A video as frames with their times, whatever it lies in; which of its frames are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class ClipFrame:
    """One decoded frame.

    Attributes:
        index: of the frame in its file, from 0.
        time: seconds since the first frame of the file, as its time stamps say; rising.
        image: uint8 ``[H, W, 3]``, RGB, as it is shown.
    """

    index: int
    time: float
    image: np.ndarray


@dataclass(frozen=True)
class Part:
    """Which frames of a video are looked at.

    Attributes:
        every: of so many frames one.
        start: seconds, from which on.
        end: seconds, before which; None: to the end.
        fps: at most so many frames of a second; of a folder of frames: how many make a second. None: all, or 25.
    """

    every: int = 1
    start: float = 0.0
    end: float | None = None
    fps: float | None = None

    def wants(self, index: int, time: float, last: float | None) -> bool:
        """Whether a frame is looked at.

        Args:
            index: of the frame, from 0.
            time: of the frame, in seconds.
            last: the time of the last frame that was; None: there was none.

        Returns:
            Whether it is.
        """
        if time < self.start or index % self.every:
            return False
        # Time stamps are rounded: a frame that comes a little too early is the one that is meant.
        return self.fps is None or last is None or time - last >= 0.999 / self.fps - 0.0005

    def ends_before(self, time: float) -> bool:
        """Whether nothing is looked at from this time on."""
        return self.end is not None and time >= self.end

    @property
    def is_whole(self) -> bool:
        """Whether every frame is looked at."""
        return self == Part()


@dataclass
class About:
    """What is known of a video; notes are added while it is read.

    Attributes:
        size: height and width of a frame as it is shown.
        rate: frames a second, on average.
        frames: how many will be looked at, as far as the file tells; 0 where nobody knows.
        file: to copy sound from; None: there is none.
        begins: seconds, by the clock of the file, at which its first frame is shown.
        aspect: width of a pixel as part of its height.
        live: whether frames come by the clock, and wait for nobody.
        notes: what was mended, guessed or cannot be seen, a sentence each.
        names: of the file of each frame, by its index, where each has one.
    """

    size: tuple[int, int]
    rate: float = 25.0
    frames: int = 0
    file: Path | None = None
    begins: float = 0.0
    aspect: Fraction = Fraction(1)
    live: bool = False
    notes: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ()

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class Clip(Protocol):
    """An opened video: its frames come once, in order."""

    @property
    def about(self) -> About: ...

    def __iter__(self) -> Iterator[ClipFrame]:
        """The frames that are looked at."""

    def close(self) -> None:
        """Let go of the file."""
