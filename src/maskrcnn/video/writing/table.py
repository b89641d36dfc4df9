"""``NAME.tracks.csv``: a row for each object of each frame."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskrcnn.inference.results.names import write_table
from maskrcnn.video.writing.tracks import Sighting, classes_of, sightings

COLUMNS = ("frame", "time_s", "id", "class", "score", "x", "y", "width", "height", "area_px", "speed_px_per_s")
MEMORY = 0.5  # seconds over which a speed is measured


def write_tracks_table(path: Path, spool: Path, numbers: Mapping[int, int], class_names: Sequence[str]) -> None:
    """Write what was followed as a table.

    Args:
        path: of the table.
        spool: the frames of the video.
        numbers: of the objects that count, by the tracker's number.
        class_names: of labels 1..K.
    """
    names = {number: class_names[label - 1] for number, label in classes_of(spool, numbers).items()}
    write_table(path, COLUMNS, _rows(sightings(spool, numbers), names))


def _rows(seen: Iterator[tuple[int, Sighting]], names: Mapping[int, str]) -> Iterator[list[Any]]:
    speeds = Speeds()
    for number, one in seen:
        x, y, width, height = one.box
        speed = speeds.see(number, one.time, x + width / 2, y + height / 2)
        shown = "" if speed is None else round(speed, 1)
        time, score = round(one.time, 4), round(one.score, 4)
        yield [one.frame, time, number, names[number], score, *one.box, one.area, shown]


class Speeds:
    """How fast the centres of boxes move, in pixels a second, over the last half second in which they were seen."""

    def __init__(self) -> None:
        self.places: dict[int, deque[tuple[float, float, float]]] = defaultdict(deque)
        self.swept = 0.0

    def see(self, number: int, time: float, x: float, y: float) -> float | None:
        """The speed of an object that is seen now.

        Args:
            number: of the object.
            time: in seconds.
            x: of the centre of its box, in pixels.
            y: of the same.

        Returns:
            Pixels a second; None where it was not seen in the last half second.
        """
        own = self.places[number]
        while own and own[0][0] < time - MEMORY - 1e-6:
            own.popleft()
        speed = math.hypot(x - own[0][1], y - own[0][2]) / (time - own[0][0]) if own else None
        own.append((time, x, y))
        self._sweep(time)
        return speed

    def _sweep(self, time: float) -> None:
        """Forget, now and then, objects that are gone."""
        if time > self.swept + 10 * MEMORY:
            self.swept = time
            for number in [number for number, own in self.places.items() if own[-1][0] < time - MEMORY]:
                del self.places[number]
