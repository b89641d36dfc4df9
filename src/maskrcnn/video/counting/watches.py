"""Who crossed a line, and who was in a zone for how long: one object after another, frame by frame.

An object is where its anchor is, a point of its box. It is on a new side only once its anchor is farther from the line
or the edge than a margin, so that one who stands there and trembles is not counted again and again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from maskrcnn.video.counting.places import Line, Zone

Anchor = Literal["centre", "bottom"]
MARGIN = 0.05  # of an object's shorter side
LEAST_MARGIN = 1.0  # pixels


@dataclass(frozen=True)
class Sighting:
    """Where an object was.

    Attributes:
        id: the tracker's number of it.
        frame: from 0.
        time: seconds.
        place: x and y of its anchor, float64 ``[2]``.
        margin: in pixels, see above.
    """

    id: int
    frame: int
    time: float
    place: np.ndarray
    margin: float


@dataclass(frozen=True)
class Event:
    """An object went in or out.

    Attributes:
        id: the tracker's number of it.
        frame: in which it was seen on the other side for the first time.
        time: seconds, of that frame.
        way: ``in`` or ``out``.
        first: whether it went that way for the first time, which alone is counted.
        seconds: for how long it had been in the zone; None of lines, and of those that go in.
    """

    id: int
    frame: int
    time: float
    way: Literal["in", "out"]
    first: bool
    seconds: float | None = None


def sightings(boxes: np.ndarray, ids: np.ndarray, frame: int, time: float, anchor: Anchor) -> list[Sighting]:
    """The objects of a frame.

    Args:
        boxes: ``[N, 4]``, pixels.
        ids: int64 ``[N]``.
        frame: from 0.
        time: seconds.
        anchor: ``centre`` of the box, or the middle of its ``bottom``, where feet and wheels are.

    Returns:
        N sightings.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    x, low = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
    y = low if anchor == "bottom" else (boxes[:, 1] + low) / 2
    margins = np.maximum(MARGIN * (boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf), LEAST_MARGIN)
    return [
        Sighting(int(number), frame, time, np.array([a, b]), float(margin))
        for number, a, b, margin in zip(ids, x, y, margins)
    ]


@dataclass
class _AtLine:
    """What is remembered of an object: its sure side (0: none yet), where it was seen last, and where it met the line
    since it was surely on a side."""

    side: int
    place: np.ndarray
    met: Sighting | None = None


@dataclass
class LineWatch:
    """Sees objects cross a line.

    Attributes:
        line: the line.
        went: the objects that went each way, each once.
    """

    line: Line
    went: dict[str, set[int]] = field(default_factory=lambda: {"in": set(), "out": set()})
    _known: dict[int, _AtLine] = field(default_factory=dict)

    def see(self, seen: Sighting) -> Event | None:
        """Take the next sighting of an object, and say whether it has crossed the line."""
        distance = self.line.side(seen.place)
        side = 0 if abs(distance) < seen.margin else 1 if distance > 0 else -1
        known = self._known.setdefault(seen.id, _AtLine(side, seen.place))
        if self.line.side(known.place) * distance <= 0:  # it met the line, or what goes on beyond its ends
            known.met = seen if self.line.crossed_at(known.place, seen.place) is not None else None
        known.place = seen.place
        if side in (0, known.side):
            known.met = None if side else known.met
            return None
        met, begun = known.met, known.side == 0
        known.side, known.met = side, None
        if met is None or begun:
            return None
        way: Literal["in", "out"] = "in" if side > 0 else "out"
        first = seen.id not in self.went[way]
        self.went[way].add(seen.id)
        return Event(seen.id, met.frame, met.time, way, first)

    def forget(self, number: int) -> None:
        """An object that will never count."""
        self._known.pop(number, None)
        for objects in self.went.values():
            objects.discard(number)


@dataclass
class Stay:
    """One object and a zone.

    Attributes:
        inside: whether it is in it.
        began: whether it was inside when it was first seen.
        last: seconds, when it was last seen.
        since: seconds, when it last came in.
        seconds: in the zone until ``last``, altogether.
        ever: whether it was in it at all.
    """

    inside: bool
    began: bool
    last: float
    since: float
    seconds: float = 0.0
    ever: bool = False


@dataclass
class ZoneWatch:
    """Sees objects in a zone.

    Attributes:
        zone: the zone.
        went: the objects that went each way, each once.
        stays: of each object that was seen.
    """

    zone: Zone
    went: dict[str, set[int]] = field(default_factory=lambda: {"in": set(), "out": set()})
    stays: dict[int, Stay] = field(default_factory=dict)

    def see(self, seen: Sighting) -> Event | None:
        """Take the next sighting of an object, and say whether it has gone in or out."""
        depth = self.zone.side(seen.place)
        stay = self.stays.get(seen.id)
        if stay is None:
            self.stays[seen.id] = Stay(depth > 0, depth > 0, seen.time, seen.time, ever=depth > 0)
            return None
        if stay.inside:
            stay.seconds += seen.time - stay.last
        stay.last = seen.time
        if abs(depth) < seen.margin or (depth > 0) == stay.inside:
            return None
        stay.inside = depth > 0
        stay.ever = True
        way: Literal["in", "out"] = "in" if stay.inside else "out"
        seconds = None if stay.inside else seen.time - stay.since
        stay.since = seen.time
        first = seen.id not in self.went[way]
        self.went[way].add(seen.id)
        return Event(seen.id, seen.frame, seen.time, way, first, seconds)

    def forget(self, number: int) -> None:
        """An object that will never count."""
        self.stays.pop(number, None)
        for objects in self.went.values():
            objects.discard(number)
