"""What ``maskrcnn predict`` is asked for of videos."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from maskrcnn.checks import at_least, needed_package
from maskrcnn.errors import UsageError

TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)s?")
FORMATS = {
    "mot": "tracks.txt",
    "coco-video": "coco.json",
}  # that tracks are written in too, each with its file's ending


@dataclass(frozen=True, kw_only=True)
class ClipOptions:
    """Which frames of videos are looked at."""

    video: bool = False
    """The pictures of a folder are the frames of a video, and so are those of a GIF or of a TIFF of several pages."""
    every: int = 1
    """Of a video: look at every so many frames only."""
    detect_every: int = 1
    """Of a video: let the model look at every so many of these frames only; in those between, objects and their masks
    are moved from one look to the next, which is much faster."""
    fps: float | None = None
    """Of a video: look at no more frames of a second than this. With --video: how many pictures make a second."""
    no_window: bool = False
    """Of a camera or stream: open no window; else its frames are shown while they come, where there is a display."""
    from_: str = ""
    """Of a video: begin at this time, in seconds or as 1:23.5."""
    until: str = ""
    """Of a video: end at this time. --to takes a time too."""

    @property
    def end_of_part(self) -> str:
        """The time at which videos are left, as it was given."""
        return self.until

    def check_clips(self) -> None:
        """Raise UsageError for options of videos that cannot be followed."""
        at_least("every", self.every, 1)
        at_least("detect-every", self.detect_every, 1)
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise UsageError(f"--fps must lie between 0 and 1000, not {self.fps}.")
        start, end = seconds("from", self.from_), seconds("until", self.end_of_part)
        if start is not None and end is not None and end <= start:
            raise UsageError(
                f"A part from {self.from_} to {self.end_of_part} holds nothing: it must end later than it begins."
            )


OF_PICTURES = ("label_maps", "explain", "semantic", "probabilities", "surface")


def refuse_of_pictures(options: Any) -> None:
    """Raise UsageError where ``options`` ask of videos alone for what is made of pictures."""
    for name in OF_PICTURES:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} is for images, not for videos.")
    if options.to_of_pictures:
        known = f" Of videos there are {', '.join(FORMATS)}." if FORMATS else ""
        raise UsageError(f"--to {options.to} is for images, not for videos.{known}")


def check_packages() -> None:
    """Raise UsageError where what reads videos is not installed."""
    needed_package("av", "read videos", "video")
    needed_package("scipy.optimize", "follow objects", "video")


def is_time(text: str) -> bool:
    """Whether a text is a time rather than the name of a format."""
    return TIME.fullmatch(text) is not None


def seconds(flag: str, text: str) -> float | None:
    """Seconds of ``75``, ``75.5s``, ``1:15`` or ``1:01:15.5``; None for nothing.

    Args:
        flag: the name of its setting, without dashes.
        text: the time.

    Raises:
        UsageError: it is none.
    """
    if not text:
        return None
    found = TIME.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--{flag} takes a time, in seconds or as 1:23.5, not {text}.")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + rest
