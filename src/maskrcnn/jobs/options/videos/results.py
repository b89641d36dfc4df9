"""What ``maskrcnn predict`` is asked to make of videos beside the tracks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from maskrcnn.checks import at_least
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_file, why_missing
from maskrcnn.video.counting.places import read_lines

MOTION = ("csv", "coco", "openpose", "bvh", "angles")
ALPHA = ("webm", "prores")
HOW = {"anchor", "smooth", "fill"}  # say how, not what


@dataclass(frozen=True, kw_only=True)
class ClipResultOptions:
    """What is counted in videos, hidden in them, and drawn and written of them."""

    count: tuple[str, ...] = ()
    """Of videos: count who crosses these lines, each a name and two points in pixels, as in "door 0,300 1280,300". In
    is to the right of one who walks from the first point to the second: the picture has an arrow."""
    zone: tuple[str, ...] = ()
    """Of videos: count and time who is in these polygons: json files, {"name": "door", "polygon": [[x, y], ...],
    "class": "person"}, or what LabelMe draws."""
    anchor: Literal["centre", "bottom"] = "centre"
    """With --count and --zone: the point of an object's box that counts; bottom: where feet and wheels are."""
    motion: tuple[str, ...] = ()
    """Of videos, with a model that finds keypoints: write the motion of each object: csv, coco (json), openpose (a
    folder of json), bvh (for Blender), angles (of joints, as a table and pictures)."""
    smooth: float = 6.0
    """With --motion: movements of so many Hz are halved, slower ones stay; 0: no smoothing."""
    fill: float = 0.5
    """With --motion: gaps of up to so many seconds are filled."""
    heat_map: bool = False
    """Of videos: also draw where things were, NAME.heat.jpg."""
    timeline: bool = False
    """Of videos: also draw when each object was there, NAME.timeline.png."""
    blur: tuple[str, ...] = ()
    """Of videos: make objects of these classes unrecognisable in all that is drawn. Who is not found is not blurred."""
    green: bool = False
    """Of videos: also write NAME.green.mp4: objects on green, to be keyed out."""
    alpha: str = ""
    """Of videos: also write objects on a transparent background: NAME.alpha.webm, or NAME.alpha.mov in ProRes 4444."""

    def check_clip_results(self) -> None:
        """Raise UsageError or DataError for what cannot be done."""
        read_lines(self.count)
        for path in map(Path, self.zone):
            if not is_file(path):
                raise DataError(why_missing(path))
        for form in self.motion:
            if form not in MOTION:
                raise UsageError(f"--motion is one or more of {', '.join(MOTION)}, not {form}.")
        if self.alpha and self.alpha not in ALPHA:
            raise UsageError(f"--alpha is one of {', '.join(ALPHA)}, not {self.alpha}.")
        at_least("smooth", self.smooth, 0)
        at_least("fill", self.fill, 0)

    def refuse_of_clips(self) -> None:
        """Raise UsageError where something is asked for that is made of videos alone."""
        for each in fields(ClipResultOptions):
            if each.name not in HOW and getattr(self, each.name) != each.default:
                raise UsageError(f"--{each.name.replace('_', '-')} is for videos; there is none among the inputs.")
