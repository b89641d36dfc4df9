"""What ``maskrcnn track`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checks import needed_package, not_a_folder
from maskrcnn.errors import UsageError
from maskrcnn.files import is_file, resolved, why_missing
from maskrcnn.tracking.options import TrackOptions

SETTINGS = TrackOptions()


@dataclass(frozen=True)
class TrackFileOptions:
    """The detections, where they go, and how objects are followed."""

    detections: Path
    """What another detector found: MOTChallenge's text (frame, id, x, y, width, height, score), or COCO's results
    (.json)."""
    out: Path
    """File for the same detections with a number each, in the same form."""
    sure: float = SETTINGS.sure
    """Detections from this score on are matched first, and may begin an object."""
    doubtful: float = SETTINGS.doubtful
    """Detections from this score on may continue an object."""
    memory: int = SETTINGS.memory
    """Frames after which an object that was not seen again is given up."""
    confirm: int = SETTINGS.confirm
    """Sure sightings that an object needs to be written."""

    def settings(self) -> TrackOptions:
        """How objects are followed."""
        return TrackOptions(sure=self.sure, doubtful=self.doubtful, memory=self.memory, confirm=self.confirm)

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed, and where there are no detections."""
        self.settings().check()
        if not is_file(self.detections):
            raise UsageError(why_missing(self.detections))
        not_a_folder(self.out)
        if resolved(self.out) == resolved(self.detections):
            raise UsageError(f"{self.out} is the file of detections itself: name another one with --out.")
        if (self.out.suffix.lower() == ".json") != (self.detections.suffix.lower() == ".json"):
            raise UsageError(f"{self.detections} is written as it was read: name --out NAME{self.detections.suffix}.")
        needed_package("scipy.optimize", "follow objects", "video")
