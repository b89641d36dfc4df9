"""Intervals in recordings: how many of those that are there are found, how many of these get their right name, and how
often something is reported that is not there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.evaluation.average_precision import NOBODY, match
from maskrcnn.evaluation.misses.matching import best_first
from maskrcnn.evaluation.overlap import box_pairs
from maskrcnn.evaluation.unlabelled import half_known, inside_extent, on_half_known, stretches
from maskrcnn.structures import Instances, Record

SHOWN = 0.5  # detections that score more are looked at
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = frozenset("0123456789") | frozenset(WORDS)  # names of classes


def interval_measures(
    records: Sequence[Record], detections: Sequence[Instances], score: float = SHOWN
) -> dict[str, float | None]:
    """``found``, ``named`` (0..1, of all intervals) and ``false_per_minute`` of labelled recording.

    Down the scores, each detection takes the free interval, of whatever class, that it overlaps most, from an IoU of
    0.5 on. So the surest detection at a place names what is there, and a second one is a false alarm. A detection of a
    crowd or of an interval with an unknown side counts neither for nor against, and such an interval is not looked for.

    Args:
        records: in file coordinates; with ``sampling_rate`` (samples a second) and ``spatial_shape`` or ``extent``.
        detections: of each record, on the CPU, under the records' labels.
        score: detections that score more are looked at.

    Returns:
        None in place of a number where there is nothing to look for, or where a recording's length is not known.
    """
    counts = np.array([_count(r, found, score) for r, found in zip(records, detections)]).reshape(-1, 4)
    intervals, found, named, false = counts.sum(axis=0).tolist()
    minutes = [_minutes(record) for record in records]
    total = None if None in minutes else sum(m for m in minutes if m is not None)
    return {
        "found": found / intervals if intervals else None,
        "named": named / intervals if intervals else None,
        "false_per_minute": false / total if total else None,
    }


def _count(record: Record, found: Instances, score: float) -> tuple[int, int, int, int]:
    """Intervals to find, found, found and named, false alarms, of one recording."""
    ignored = half_known(record)
    if record.crowd is not None:
        ignored = ignored | record.crowd.astype(bool)
    intervals = int(np.count_nonzero(~ignored))
    found = inside_extent(record, found)
    if len(found) == 0:
        return intervals, 0, 0, 0
    found = best_first(found[found.scores > score])
    boxes, labels = found.boxes.double().numpy(), found.labels.numpy()
    pairs = box_pairs(boxes, record.boxes)
    overlap = np.where(ignored[pairs.labelled], pairs.inside, pairs.iou)
    partly = half_known(record)[pairs.labelled]
    if partly.any():
        overlap[partly] = on_half_known(record, boxes, pairs[partly])
    object_of, neutral = (side[0] for side in match(len(boxes), pairs.found, pairs.labelled, overlap, ignored))
    hit = object_of != NOBODY
    if record.exhaustive is not None:
        neutral = neutral | ~np.isin(labels, sorted(record.exhaustive))
    named = np.count_nonzero(labels[hit] == record.labels[object_of[hit]])
    return intervals, int(hit.sum()), int(named), int(np.count_nonzero(~hit & ~neutral))


def _minutes(record: Record) -> float | None:
    """Of what was labelled."""
    labelled = stretches(record)
    if labelled is None and record.spatial_shape is not None:
        labelled = np.array([[0, record.spatial_shape[-1]]])
    if labelled is None or record.sampling_rate is None:
        return None
    return float((labelled[:, 1] - labelled[:, 0]).sum()) / record.sampling_rate / 60
