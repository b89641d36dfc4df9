"""Follows the objects that another detector found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.errors import UsageError
from maskrcnn.jobs.events import Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.options.track import TrackFileOptions
from maskrcnn.tracking.numbers import follow_all
from maskrcnn.video.detection_files import read_detections


@dataclass(frozen=True)
class TrackOutcome:
    """What became of the detections.

    Attributes:
        out: the file that was written.
        frames: that hold detections.
        objects: numbers that were given, from 1 without gaps.
        detections: that have one.
        left_out: those of objects that were not seen surely often enough.
    """

    out: Path
    frames: int
    objects: int
    detections: int
    left_out: int


def track(options: TrackFileOptions, tell: Tell = tell_nobody) -> TrackOutcome:
    """Give every detection of a file the number of its object, and write it with that.

    Args:
        options: the file, and how objects are followed.
        tell: is given :class:`Progress`, and a :class:`Note` for what was left out or mended.

    Returns:
        How many objects there are.

    Raises:
        UsageError: options that cannot be followed, or a file that cannot be written.
        DataError: the file holds no detections.
    """
    options.check()
    found = read_detections(options.detections)
    for note in found.notes:
        tell(Note(f"note: {note}"))
    total = len(found.frames)
    numbers = follow_all(found.frames, options.settings(), lambda done: tell(Progress("following", done, total)))
    try:
        found.write(options.out, numbers)
    except OSError as error:
        raise UsageError(f"{options.out} cannot be written ({error.strerror or error}); name another file.") from None
    given = np.concatenate(numbers)
    kept = int(np.count_nonzero(given))
    return TrackOutcome(options.out, total, int(given.max(initial=0)), kept, len(given) - kept)
