"""Detections of another program, frame by frame, and the same with numbers: MOTChallenge's text, COCO's results."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.parsing.numbers import finite_numbers, whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file, why_missing
from maskrcnn.regions import Regions
from maskrcnn.rle import decode_masks
from maskrcnn.tracking.tracker import Detections
from maskrcnn.video.motchallenge import read_rows, usable_scores, write_tracks
from maskrcnn.video.reading.names import natural

JSON = ".json"
LARGEST_CANVAS = 2**26  # pixels of a frame whose masks are read


@dataclass(frozen=True)
class DetectionFile:
    """Detections, and how they are written with numbers.

    Attributes:
        frames: the frames that hold any, rising, each with its detections.
        write: is given a path, and for each frame the numbers of its detections, int64 ``[N]``; those with the number 0
            are left out.
        notes: what was left out or mended, a sentence each.
    """

    frames: list[tuple[int, Detections]]
    write: Callable[[Path, Sequence[np.ndarray]], None]
    notes: tuple[str, ...] = ()


def read_detections(path: Path) -> DetectionFile:
    """The detections of a file, by its suffix: ``.json`` is COCO's results, all else MOTChallenge's text.

    Raises:
        DataError: no such file, what is in it is neither, or it holds none.
    """
    if not is_file(path):
        raise DataError(why_missing(path))
    found = _of_json(path) if path.suffix.lower() == JSON else _of_text(path)
    if not found.frames:
        raise DataError(f"{path} holds no detections: name a file that a detector wrote.")
    return found


def _of_text(path: Path) -> DetectionFile:
    rows = read_rows(path)
    usable, notes = usable_scores(path, rows.scores)
    if rows.flat:
        notes.append(f"{path}: {rows.flat} of its boxes have no area and were left out.")
    places = _by_value(rows.frames)
    ones = np.ones(len(rows), np.int64)
    frames = [(int(rows.frames[own[0]]), Detections(rows.boxes[own], usable[own], ones[own])) for own in places]

    def write(out: Path, numbers: Sequence[np.ndarray]) -> None:
        pairs = [(i, int(n)) for own, given in zip(places, numbers) for i, n in zip(own.tolist(), given) if n]
        write_tracks(out, ((int(rows.frames[i]), number, rows.cells[i]) for i, number in pairs))

    return DetectionFile(frames, write, tuple(notes))


def _of_json(path: Path) -> DetectionFile:
    content = read_json(path)
    entries = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path} is no list of COCO's results: each has image_id, category_id, bbox and score.")
    read = [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]
    kept = [i for i, (_, box, *_) in enumerate(read) if (box[2:] > box[:2]).all()]
    notes = [f"{path}: {len(read) - len(kept)} of its boxes have no area and were left out."] * (len(kept) < len(read))
    images = sorted({read[i][0] for i in kept}, key=natural)
    frame_of = dict(zip(images, _frame_numbers(images)))
    order = {image: place for place, image in enumerate(images)}
    places = _by_value(np.array([order[read[i][0]] for i in kept], np.int64), np.array(kept, np.int64))
    usable, said = usable_scores(path, np.array([score for _, _, score, *_ in read]))
    frames = [
        (
            frame_of[read[own[0]][0]],
            Detections(
                np.array([read[i][1] for i in own]),
                usable[own],
                np.array([read[i][3] for i in own], np.int64),
                _regions([read[i][4] for i in own]),
            ),
        )
        for own in places
    ]
    masked = [any(read[i][4] is not None for i in own) for own in places]
    if without := sum(has and seen.regions is None for has, (_, seen) in zip(masked, frames)):
        said.append(
            f"{path}: in {without} frames not every mask is run lengths that can be read; boxes were followed there."
        )

    def write(out: Path, numbers: Sequence[np.ndarray]) -> None:
        given = {int(i): int(n) for own, ids in zip(places, numbers) for i, n in zip(own, ids) if n}
        lines = [{**entry, "track_id": given[i]} for i, entry in enumerate(entries) if i in given]
        with atomic_write(out) as beside:
            beside.write_text(json.dumps(lines, ensure_ascii=False) + "\n", encoding="utf-8")

    return DetectionFile(frames, write, tuple(notes + said))


def _entry(path: Path, number: int, entry: Mapping[str, Any]) -> tuple[Any, np.ndarray, float, int, Any]:
    """Image, corners, score, class and run lengths of one of COCO's results."""
    image, label = entry.get("image_id"), whole_number(entry.get("category_id", 1))
    box, score = finite_numbers(entry.get("bbox"), 4), finite_numbers([entry.get("score", 1.0)], 1)
    if not isinstance(image, int | str) or label is None or box is None or score is None:
        raise DataError(
            f"{path}: entry {number} is none of COCO's results: it needs image_id, category_id, bbox (x, y, width, "
            "height) and score."
        )
    mask = entry.get("segmentation")
    return image, np.concatenate([box[:2], box[:2] + box[2:]]), float(score[0]), label, mask


def _regions(masks: Sequence[Any]) -> Regions | None:
    """The masks of a frame where each object has run lengths of one size; else objects are followed by boxes."""
    sizes = {tuple(mask["size"]) for mask in masks if _has_runs(mask)}
    if len(sizes) != 1 or not all(_has_runs(mask) for mask in masks):
        return None
    try:
        return decode_masks([mask["counts"].encode("ascii") for mask in masks], next(iter(sizes)))
    except (TypeError, ValueError, OverflowError):
        return None


def _has_runs(mask: Any) -> bool:
    size = mask.get("size") if isinstance(mask, dict) else None
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        return False
    return math.prod(size) < LARGEST_CANVAS and isinstance(mask.get("counts"), str)


def _by_value(values: np.ndarray, names: np.ndarray | None = None) -> list[np.ndarray]:
    """For each value that occurs, rising, where it stands: indices, or their ``names``."""
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order])) + 1
    return [own if names is None else names[own] for own in np.split(order, cuts)] if len(values) else []


def _frame_numbers(images: Sequence[int | str]) -> list[int]:
    """The frame of each image: its own number where all have one and they rise, else its place."""
    found = [re.findall(r"\d+", str(name)) for name in images]
    numbers = [int(parts[-1]) for parts in found if parts]
    rising = len(numbers) == len(images) and all(a < b for a, b in zip(numbers, numbers[1:]))
    return numbers if rising else list(range(1, len(images) + 1))
