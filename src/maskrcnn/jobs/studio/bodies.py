"""Objects as the journal and the interface have them, in json, and as labels have them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from maskrcnn.data.class_names import usable_names
from maskrcnn.errors import DataError
from maskrcnn.jobs.studio.strokes import Body
from maskrcnn.modalities.images.labels.editable import ATTRIBUTES, LabelledObject, MaskWindow

FARTHEST = 1e6  # pixels
SMALLEST = 6  # numbers of an outline
MOST_RUNS = 4_000_000
HUMAN, FILE = "human", "file"


def body_of(drawn: LabelledObject, source: str = FILE, score: float | None = None) -> Body:
    """An object as json.

    Args:
        drawn: the object.
        source: who drew it: ``human``, ``file`` or ``model``.
        score: that a model gave it.

    Returns:
        All but its id.
    """
    return {
        "class": drawn.name,
        "box": list(drawn.box),
        "mask": None if drawn.mask is None else {"box": list(drawn.mask.box), "runs": list(drawn.mask.runs)},
        "parts": [[list(ring) for ring in part] for part in drawn.parts],
        "keypoints": [list(point) for point in drawn.keypoints],
        "attributes": sorted(drawn.attributes),
        "z": drawn.z,
        "source": source,
        "score": score,
    }


def object_of(number: int, body: Body) -> LabelledObject:
    """The object of a checked body."""
    mask = body["mask"]
    window = None if mask is None else MaskWindow(tuple(mask["box"]), tuple(mask["runs"]))
    x1, y1, x2, y2 = map(float, body["box"])
    return LabelledObject(
        number,
        body["class"],
        (x1, y1, x2, y2),
        window,
        tuple(tuple(tuple(map(float, ring)) for ring in part) for part in body["parts"]),
        tuple((float(x), float(y), int(v)) for x, y, v in body["keypoints"]),
        frozenset(body["attributes"]),
        int(body.get("z", 0)),  # journals of earlier versions have none
    )


def checked(body: Body, sides: Sequence[int]) -> Body:
    """A body that came from outside, if it can be an object of an image.

    Args:
        body: json, whose types were checked.
        sides: of the image, x first.

    Returns:
        The same, with its box made to fit its mask or outlines, and cut to the image.

    Raises:
        DataError: it can be none; the sentence says why.
    """
    name = str(body["class"])
    if usable_names([name])[0][0] != name:
        raise DataError("The name of a class is one line of text, without space around it.")
    unknown = set(body["attributes"]) - set(ATTRIBUTES)
    if unknown:
        raise DataError(f"There is no attribute {min(unknown)}; there are {', '.join(ATTRIBUTES)}.")
    box, mask, parts = body["box"], body["mask"], body["parts"]
    if mask is not None and parts:
        raise DataError("An object has a mask or outlines, not both.")
    if mask is not None:
        box = _checked_mask(mask, sides)
    elif parts:
        box = _checked_parts(parts)
    low, high = _finite(box[: len(sides)]), _finite(box[len(sides) :])
    low = [min(max(value, 0.0), float(side)) for value, side in zip(low, sides)]
    high = [min(max(value, 0.0), float(side)) for value, side in zip(high, sides)]
    if len(box) != 2 * len(sides) or not all(a < b for a, b in zip(low, high)):
        raise DataError("The object covers nothing of the image.")
    points = [[*_finite(point[:-1]), int(point[-1])] for point in body["keypoints"]]
    if any(len(point) != len(sides) + 1 or point[-1] not in (0, 1, 2) for point in points):
        raise DataError("A keypoint is x, y and 0 (not labelled), 1 (hidden) or 2 (visible).")
    return {
        "class": name,
        "box": [*low, *high],
        "mask": mask,
        "parts": [[_finite(ring) for ring in part] for part in parts],
        "keypoints": points,
        "attributes": sorted(set(body["attributes"])),
        "z": int(body.get("z", 0)),
        "source": body.get("source", HUMAN),
        "score": body.get("score"),
    }


def _checked_mask(mask: dict[str, Any], sides: Sequence[int]) -> list[float]:
    """The box of a mask."""
    box, runs = mask["box"], mask["runs"]
    low, high = box[: len(sides)], box[len(sides) :]
    inside = len(box) == 2 * len(sides) and all(0 <= a < b <= side for a, b, side in zip(low, high, sides))
    if not inside:
        raise DataError("The box of a mask lies in the image and is not empty.")
    pixels = math.prod(b - a for a, b in zip(low, high))
    if len(runs) > MOST_RUNS or any(run < 0 for run in runs) or sum(runs) != pixels:
        raise DataError(f"The runs of a mask add up to the {pixels} pixels of its box.")
    if not sum(runs[1::2]):
        raise DataError("The mask covers nothing.")
    return [float(value) for value in box]


def _checked_parts(parts: list[list[list[float]]]) -> list[float]:
    """The box of outlines."""
    rings = [ring for part in parts for ring in part]
    if any(not part for part in parts) or any(len(ring) < SMALLEST or len(ring) % 2 for ring in rings):
        raise DataError("An outline has three corners at the least, x and y of each.")
    x = [value for part in parts for value in _finite(part[0])[0::2]]
    y = [value for part in parts for value in _finite(part[0])[1::2]]
    return [min(x), min(y), max(x), max(y)]


def _finite(values: Sequence[float]) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) and abs(number) <= FARTHEST for number in numbers):
        raise DataError("A coordinate is a number of at most a million pixels.")
    return numbers
