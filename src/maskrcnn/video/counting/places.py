"""Counting lines and zones in the picture plane: as users write them, and on which side of them a point lies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_file, why_missing

NUMBER = r"-?\d+(?:\.\d+)?"
LINE = re.compile(rf"(?P<name>[^,]*?)\s*({NUMBER})\s*,\s*({NUMBER})\s+({NUMBER})\s*,\s*({NUMBER})\s*")
EXAMPLE = 'write a name and two points in pixels, as in --count "door 0,300 1280,300"'
SCHEMA = '{"name": "door", "polygon": [[600, 200], [700, 200], [700, 480]], "class": "person"}'


@dataclass(frozen=True)
class Line:
    """A stretch of a straight line; who crosses it to the right of one who walks along it goes in.

    Attributes:
        name: in tables and on the picture.
        start: x and y of its first end, in pixels.
        end: of its second end.
    """

    name: str
    start: tuple[float, float]
    end: tuple[float, float]

    @property
    def points(self) -> np.ndarray:
        """Both ends, float64 ``[2, 2]``."""
        return np.array([self.start, self.end], np.float64)

    def side(self, point: np.ndarray) -> float:
        """How far ``[2]`` lies to the right of the line, in pixels; negative to its left. Right of
        a line that runs to the right is below it, since y points down."""
        along = self.points[1] - self.points[0]
        x, y = point - self.points[0]
        return float((along[0] * y - along[1] * x) / np.hypot(*along))

    def crossed_at(self, before: np.ndarray, after: np.ndarray) -> float | None:
        """Where a step from one point to another meets this stretch.

        Args:
            before: ``[2]``.
            after: ``[2]``.

        Returns:
            The part of the step until then, 0..1; None where they do not meet, or the step runs
            along the line.
        """
        a, b = self.side(before), self.side(after)
        if a * b > 0 or a == b:
            return None
        part = a / (a - b)
        along = self.points[1] - self.points[0]
        place = before + part * (after - before) - self.points[0]
        return part if 0 <= float(place @ along) / float(along @ along) <= 1 else None


@dataclass(frozen=True)
class Zone:
    """A polygon in which objects are counted and timed.

    Attributes:
        name: in tables and on the picture.
        polygon: x and y of each corner, in pixels, float64 ``[n, 2]``; closed by itself, and where
            it crosses itself, inside is what an odd number of its edges encloses.
        classes: only these are counted; none: all.
    """

    name: str
    polygon: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def points(self) -> np.ndarray:
        """Its corners, float64 ``[n, 2]``."""
        return self.polygon

    def side(self, point: np.ndarray) -> float:
        """How far ``[2]`` lies inside the nearest edge, in pixels; negative outside."""
        a, b = self.polygon, np.roll(self.polygon, -1, 0)
        edges, offset = b - a, point - a
        long = np.maximum((edges**2).sum(1), 1e-12)
        part = np.clip((edges * offset).sum(1) / long, 0, 1)
        distance = float(np.hypot(*(offset - part[:, None] * edges).T).min())
        above = (a[:, 1] > point[1]) != (b[:, 1] > point[1])
        rise = np.where(above, edges[:, 1], 1.0)
        right = point[0] < a[:, 0] + offset[:, 1] / rise * edges[:, 0]
        return distance if np.count_nonzero(above & right) % 2 else -distance


Place = Line | Zone


def read_lines(texts: Sequence[str]) -> list[Line]:
    """The lines of a command: ``NAME X,Y X,Y`` each, in pixels, as in ``door 0,300 1280,300``.

    Raises:
        UsageError: a text that is none.
    """
    lines = []
    for text in texts:
        found = LINE.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"--count {text!r} is no line: {EXAMPLE}.")
        x1, y1, x2, y2 = (float(cell) for cell in found.groups()[1:])
        if (x1, y1) == (x2, y2):
            raise UsageError(f"--count {text!r}: both ends are one point; {EXAMPLE}.")
        lines.append(Line(found["name"].strip(" :") or "line", (x1, y1), (x2, y2)))
    return lines


def read_zones(paths: Sequence[Path], class_names: Sequence[str]) -> list[Zone]:
    """The zones of json files.

    A file holds an object with ``polygon`` (corners in pixels) and, if wanted, ``name`` and ``class`` (one or a list:
    only these are counted), or a list of such objects, or is what LabelMe draws (``shapes``, of which polygons and
    rectangles are zones, named by their labels). A zone without a name is called like its file.

    Args:
        paths: of the files.
        class_names: that the model knows.

    Returns:
        The zones in the order of the files.

    Raises:
        DataError: no such file, or what is in it is no zone.
    """
    return [zone for path in paths for zone in _zones_of(path, class_names)]


def _zones_of(path: Path, class_names: Sequence[str]) -> list[Zone]:
    if not is_file(path):
        raise DataError(why_missing(path))
    content = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("shapes"), list):
        content = [_of_labelme(shape) for shape in content["shapes"]]
    elif isinstance(content, dict) and isinstance(content.get("zones"), list):
        content = content["zones"]
    entries = content if isinstance(content, list) else [content]
    if not entries:
        raise DataError(f"{path} holds no zone: write {SCHEMA}.")
    names = [path.stem] if len(entries) == 1 else [f"{path.stem} {k}" for k in range(1, len(entries) + 1)]
    return [_zone(path, entry, name, class_names) for entry, name in zip(entries, names)]


def _of_labelme(shape: Any) -> Any:
    """A shape as one of our own entries."""
    if not isinstance(shape, dict):
        return shape
    corners = shape.get("points")
    if shape.get("shape_type") == "rectangle" and isinstance(corners, list) and len(corners) == 2:
        pairs = [finite_numbers(corner, 2) for corner in corners]
        if pairs[0] is not None and pairs[1] is not None:
            (x1, y1), (x2, y2) = pairs[0].tolist(), pairs[1].tolist()
            corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
    return {"name": shape.get("label"), "polygon": corners}


def _zone(path: Path, entry: Any, name: str, class_names: Sequence[str]) -> Zone:
    if not isinstance(entry, dict) or "polygon" not in entry:
        raise DataError(f"{path} is no zone: it has no polygon; write {SCHEMA}.")
    corners = entry["polygon"]
    if isinstance(corners, list) and corners and not isinstance(corners[0], list):  # x, y, x, y, ...
        corners = [corners[k : k + 2] for k in range(0, len(corners), 2)]
    points = [finite_numbers(corner, 2) for corner in corners] if isinstance(corners, list) else []
    known = [point for point in points if point is not None]
    if len(known) < 3 or len(known) < len(points):
        raise DataError(f"{path}: a polygon is a list of three or more corners [x, y] in pixels.")
    polygon = np.stack(known)
    if np.ptp(polygon, 0).min() == 0:
        raise DataError(f"{path}: the polygon has no area; its corners are x and y in pixels.")
    wanted = entry.get("class")
    classes = tuple(str(one) for one in (wanted if isinstance(wanted, list) else [wanted]) if one is not None)
    for one in classes:
        if one not in class_names:
            raise DataError(
                f"{path}: the model knows no class {one}, only {', '.join(class_names)}; what a zone is called is its "
                '"name".'
            )
    own = entry.get("name")
    return Zone(str(own) if own not in (None, "") else name, polygon, classes)


def distinct(places: Iterable[Place]) -> list[Place]:
    """The same with a number behind a name that an earlier one has."""
    taken: set[str] = set()
    named: list[Place] = []
    for place in places:
        name, number = place.name, 1
        while name in taken:
            number += 1
            name = f"{place.name} {number}"
        taken.add(name)
        named.append(
            Line(name, place.start, place.end) if isinstance(place, Line) else Zone(name, place.polygon, place.classes)
        )
    return named


def outside(place: Place, size: tuple[int, int]) -> bool:
    """Whether nothing of a place lies in a picture of that width and height."""
    low, high = place.points.min(0), place.points.max(0)
    return bool((high < 0).any() or (low > size).any())
