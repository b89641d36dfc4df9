"""Counts who crosses lines and who stays in zones, while frames come, and writes both as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskrcnn.inference.results.names import write_table
from maskrcnn.video.counting.places import Line, Place, distinct
from maskrcnn.video.counting.watches import Anchor, Event, LineWatch, ZoneWatch, sightings
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labels import Votes

COUNTS = ("place", "kind", "class", "in", "out", "objects", "began_inside", "ended_inside", "inside_s")
EVENTS = ("frame", "time_s", "place", "id", "class", "way", "counted", "inside_s")
ALL = "all"
FORGOTTEN = 300  # frames after which an object that was never sure is no longer waited for


class Counter:
    """A sink that counts. Each object counts once a line or zone and way, and only if it is confirmed.

    Args:
        places: lines and zones; those of one name get numbers.
        class_names: of labels 1..K.
        tables: where ``NAME.counts.csv`` and ``NAME.events.csv`` are written; None: nowhere.
        anchor: the point of a box that is looked at.
    """

    def __init__(
        self,
        places: Iterable[Place],
        class_names: Sequence[str],
        tables: tuple[Path, Path] | None = None,
        anchor: Anchor = "centre",
    ) -> None:
        self.class_names, self.tables, self.anchor = class_names, tables, anchor
        self.watches = [LineWatch(p) if isinstance(p, Line) else ZoneWatch(p) for p in distinct(places)]
        self.confirmed: set[int] = set()
        self._events: list[tuple[str, Event]] = []
        self._votes = Votes()
        self._last: dict[int, int] = {}  # of each object that is not confirmed: when it was seen
        self._now: set[int] = set()  # in the frame

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        self._votes.add(frame)
        self.confirmed.update(frame.ids[frame.confirmed].tolist())
        self._now = set(frame.ids.tolist())
        for seen in sightings(frame.objects.boxes.numpy(), frame.ids, frame.index, frame.time, self.anchor):
            self._last[seen.id] = frame.index
            for watch in self.watches:
                if (event := watch.see(seen)) is not None:
                    self._events.append((_place(watch).name, event))
        self._forget(frame.index)

    def _forget(self, now: int) -> None:
        """What is known of objects that were never sure and are gone; a long video has many of them."""
        past = {number for number, last in self._last.items() if now - last > FORGOTTEN}
        self._last = {number: last for number, last in self._last.items() if number not in past}
        gone = past - self.confirmed
        if gone:
            self._events = [pair for pair in self._events if pair[1].id not in gone]
        for number in gone:
            self._votes.forget(number)
            for watch in self.watches:
                watch.forget(number)

    def now(self) -> list[tuple[Place, dict[str, int]]]:
        """Each place with what is counted of confirmed objects by now: ``in``, ``out`` and, of zones, ``now``: those
        that are inside in this frame."""
        counts = []
        for watch in self.watches:
            own: dict[str, int] = {way: len(self._counted(watch, went)) for way, went in watch.went.items()}
            if isinstance(watch, ZoneWatch):
                inside = {i for i in self._now if i in watch.stays and watch.stays[i].inside}
                own["now"] = len(self._counted(watch, inside))
            counts.append((_place(watch), own))
        return counts

    def _counted(self, watch: LineWatch | ZoneWatch, numbers: Collection[int]) -> list[int]:
        """Of the objects those that are confirmed and, in a zone, of one of its classes."""
        classes = watch.zone.classes if isinstance(watch, ZoneWatch) else ()
        sure = [number for number in numbers if number in self.confirmed]
        return [number for number in sure if not classes or self._class(number) in classes]

    def _class(self, number: int) -> str:
        label = self._votes.label(number)
        return self.class_names[label - 1] if label > 0 else ""

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Write the tables.

        Args:
            numbers: as :class:`FrameSink` says.
        """
        self.confirmed = set(numbers)
        if self.tables is None:
            return
        counts, events = self.tables
        write_table(counts, COUNTS, [row for watch in self.watches for row in self._rows(watch)])
        watch_of = {_place(watch).name: watch for watch in self.watches}
        counted = [pair for pair in self._events if self._counted(watch_of[pair[0]], [pair[1].id])]
        write_table(
            events,
            EVENTS,
            [
                (
                    event.frame,
                    round(event.time, 3),
                    place,
                    numbers[event.id],
                    self._class(event.id),
                    event.way,
                    "yes" if event.first else "no",
                    "" if event.seconds is None else round(event.seconds, 3),
                )
                for place, event in sorted(counted, key=lambda pair: pair[1].frame)
            ],
        )

    def _rows(self, watch: LineWatch | ZoneWatch) -> list[tuple[Any, ...]]:
        """The counts of a place: of all classes, then of each."""
        place = _place(watch)
        ways = [set(self._counted(watch, watch.went[way])) for way in ("in", "out")]
        columns = list(ways)
        seconds: dict[int, float] = {}
        if isinstance(watch, ZoneWatch):
            here = {i: watch.stays[i] for i in self._counted(watch, watch.stays) if watch.stays[i].ever}
            columns += [set(here), {i for i, s in here.items() if s.began}, {i for i, s in here.items() if s.inside}]
            seconds = {i: stay.seconds for i, stay in here.items()}
        classes = sorted({self._class(i) for column in columns for i in column})
        rows = []
        for name in (ALL, *classes):
            own = [sum(name in (ALL, self._class(i)) for i in column) for column in columns]
            inside = round(sum(s for i, s in seconds.items() if name in (ALL, self._class(i))), 3)
            of_zone = [inside] if len(columns) > 2 else [""] * 4
            rows.append((place.name, "zone" if len(columns) > 2 else "line", name, *own, *of_zone))
        return rows


def _place(watch: LineWatch | ZoneWatch) -> Place:
    return watch.line if isinstance(watch, LineWatch) else watch.zone
