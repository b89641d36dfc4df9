"""The objects of a signal as every file of results tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskrcnn.modalities.signals.draw.layout import SignalLike
from maskrcnn.regions import stretches
from maskrcnn.structures import Instances

UNIT_COLUMNS = {"s": ("start_s", "end_s"), "bp": ("first_bp", "last_bp"), "samples": ()}


@dataclass(frozen=True)
class FoundInterval:
    """One object.

    Attributes:
        number: from 1, in order of start, the same in every file of a recording.
        index: of the detection.
        label: of the class ``class_name``, 1..K.
        start, end: of the box in samples, sample k covering [k, k + 1).
        first, stop: the same as whole samples ``first`` to ``stop - 1``, one at least and within the recording.
        covered: samples of the mask, or of the box for a model without masks.
        mask: what the mask covers, [start, end) each, in samples; None for a model without masks.
    """

    number: int
    index: int
    class_name: str
    label: int
    score: float
    start: float
    end: float
    first: int
    stop: int
    covered: int
    mask: list[list[int]] | None


def found_intervals(detections: Instances, class_names: Sequence[str], length: int) -> list[FoundInterval]:
    """The objects of a recording of ``length`` samples by start (of one start: as they come).

    Args:
        detections: of the recording.
        class_names: of labels 1..K.
        length: samples of the recording.

    Returns:
        The objects by start (of one start: as they come).
    """
    if len(detections) == 0:
        return []
    order = detections.boxes[:, 0].argsort(stable=True)
    found = detections[order]
    firsts = np.round(found.boxes[:, 0].double().numpy()).clip(0, max(length - 1, 0)).astype(int).tolist()
    columns = zip(found.labels.tolist(), found.scores.tolist(), found.boxes.double().tolist(), firsts)
    objects = []
    for i, (label, score, (start, end), first) in enumerate(columns):
        stop = max(first + 1, min(round(end), length))
        mask = None if found.regions is None else stretches(found.regions, i).tolist()
        covered = stop - first if mask is None else sum(high - low for low, high in mask)
        name = class_names[label - 1]
        objects.append(FoundInterval(i + 1, int(order[i]), name, label, score, start, end, first, stop, covered, mask))
    return objects


def interval_entry(found: FoundInterval, signal: SignalLike, category_ids: Sequence[int]) -> dict[str, Any]:
    """An object as the lists of results have it, without its file.

    Args:
        found: the object.
        signal: in which it lies.
        category_ids: of labels 1..K.

    Returns:
        ``object``, ``category``, ``category_id``, ``score``, ``start_sample``, ``end_sample``, the same in the unit of
        the recording (seconds, or the first and last base counted from 1), ``samples`` and, for models of masks,
        ``mask``.
    """
    entry: dict[str, Any] = {
        "object": found.number,
        "category": found.class_name,
        "category_id": category_ids[found.label - 1],
        "score": round(found.score, 4),
        "start_sample": round(found.start, 2),
        "end_sample": round(found.end, 2),
    }
    entry |= dict(zip(UNIT_COLUMNS[signal.unit], _in_unit(found, signal)))
    return entry | {"samples": found.covered} | ({} if found.mask is None else {"mask": found.mask})


def _in_unit(found: FoundInterval, signal: SignalLike) -> tuple[float, float]:
    """Start and end in seconds, or the first and last base counted from 1."""
    if signal.unit == "bp":
        return found.first + 1, found.stop
    return round(found.start / signal.rate, 6), round(found.end / signal.rate, 6)
