"""The tracks of a video, one after another, from lines that are frame after frame, whatever their number."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.video.writing.spool import MASKS, read_lines


@dataclass(frozen=True)
class Sighting:
    """One object in one frame, as files have it.

    Attributes:
        place: of the frame among those that were looked at, from 0.
        frame: its index in the file, from 0.
        time: of the frame, in seconds.
        box: x, y, width, height in pixels.
        score: of the detection.
        label: of the detection, 1..K.
        area: pixels of its mask, or of its box where it has none.
        mask: COCO's compressed run lengths; None: none.
        points: ``[P, 3]``: x, y, score; None: none.
    """

    place: int
    frame: int
    time: float
    box: tuple[float, ...]
    score: float
    label: int
    area: int
    mask: Mapping[str, Any] | None = None
    points: list[list[float]] | None = None


def sightings(spool: Path, numbers: Mapping[int, int]) -> Iterator[tuple[int, Sighting]]:
    """All objects that count, frame after frame, each with its number in files.

    Args:
        spool: of the video.
        numbers: of the objects that count, by the tracker's number.
    """
    for place, line in enumerate(read_lines(spool)):
        seen = [(numbers[own], i) for i, own in enumerate(line["ids"]) if own in numbers]
        for number, i in sorted(seen):
            x1, y1, x2, y2 = line["boxes"][i]
            box = tuple(round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1))
            mask = {"size": line["extent"], "counts": line[MASKS][i]} if MASKS in line else None
            points = line["keypoints"][i] if "keypoints" in line else None
            area = line["areas"][i] if MASKS in line else round((x2 - x1) * (y2 - y1))
            score, label = line["scores"][i], line["labels"][i]
            yield number, Sighting(place, line["frame"], line["time"], box, score, label, area, mask, points)


def classes_of(spool: Path, numbers: Mapping[int, int]) -> dict[int, int]:
    """The class of each track: that with the most votes, a vote being a score; the smaller label where two are even."""
    votes: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for number, seen in sightings(spool, numbers):
        votes[number][seen.label] += seen.score
    return {number: most_voted(own) for number, own in votes.items()}


def most_voted(votes: Mapping[int, float]) -> int:
    """The label with the most votes, the smaller one where two have as many."""
    return max(votes, key=lambda label: (votes[label], -label))


class TrackStore:
    """Sightings by track, on disk: memory does not grow with the video."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        database.execute(
            "CREATE TABLE seen (number INT, place INT, row TEXT, PRIMARY KEY (number, place)) WITHOUT ROWID"
        )

    def fill(self, rows: Iterator[tuple[int, Sighting]]) -> None:
        """Put all sightings away."""
        lines = ((number, seen.place, json.dumps(vars(seen))) for number, seen in rows)
        self.database.executemany("INSERT INTO seen VALUES (?, ?, ?)", lines)

    def numbers(self) -> list[int]:
        """Of all tracks, rising."""
        return [number for (number,) in self.database.execute("SELECT DISTINCT number FROM seen ORDER BY number")]

    def track(self, number: int) -> Iterator[Sighting]:
        """The sightings of a track, in order of time."""
        rows = self.database.execute("SELECT row FROM seen WHERE number = ? ORDER BY place", (number,))
        return (Sighting(**json.loads(row)) for (row,) in rows)


@contextmanager
def stored(spool: Path, numbers: Mapping[int, int]) -> Iterator[TrackStore]:
    """The tracks of a video, one after another; what they are put away in is gone afterwards."""
    with closing(sqlite3.connect("")) as database:  # a file without a name, which goes with its connection
        store = TrackStore(database)
        store.fill(sightings(spool, numbers))
        yield store
