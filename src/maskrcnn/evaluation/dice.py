"""Dice and volume error, class by class, for data with one object of each class: organs and their parts in scans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.evaluation.matching import best_first
from maskrcnn.evaluation.overlap import mask_pairs
from maskrcnn.structures import Instances, Record

SHOWN = 0.5  # detections that score more are looked at

Score = tuple[float, float]


def one_object_a_class(records: Sequence[Record]) -> bool:
    """Whether every record has masks, and no class more than one object in any."""
    labels = [record.labels[record.labels > 0] for record in records]
    return all(r.regions is not None for r in records) and all(len(set(k.tolist())) == len(k) for k in labels)


def dice_measures(
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    prefix: str,
    score: float = SHOWN,
) -> dict[str, float | None]:
    """``<prefix>/<class>/dice`` and ``<prefix>/<class>/volume_error``: means over the records that have the class.

    Of the detections of a class the surest is the object. Dice is 2 |A and B| / (|A| + |B|), the error of the volume
    |V - V'| / V; an object that is not found has 0 and 1. None: no record has the class.

    Args:
        records: with regions, one object of a class at most (:func:`one_object_a_class`). Label maps become such
            regions by ``Regions.from_label_map``.
        detections: of each record, on the CPU, with regions on its canvas, under its labels.
        class_names: of labels 1..K.
        prefix: what the names begin with.
        score: detections that score more are looked at.
    """
    metrics: dict[str, float | None] = {}
    for label, name in enumerate(class_names, start=1):
        scores = [_score(r, found, label, score) for r, found in zip(records, detections) if label in r.labels]
        dice, error = np.mean(scores, axis=0).tolist() if scores else (None, None)
        metrics |= {f"{prefix}/{name}/dice": dice, f"{prefix}/{name}/volume_error": error}
    return metrics


def _score(record: Record, found: Instances, label: int, score: float) -> Score:
    """Dice and volume error of the object of one class."""
    assert record.regions is not None, "Dice needs the labels' masks"
    object_ = record.regions[record.labels == label]
    shown = _surest(found, label, score)
    if shown is None or shown.regions is None:
        return 0.0, 1.0
    iou = mask_pairs(shown.regions, object_).iou.sum()  # of one pair, or none
    own, other = int(object_.areas().sum()), int(shown.regions.areas().sum())
    return float(2 * iou / (1 + iou)), abs(own - other) / own


def _surest(found: Instances, label: int, score: float) -> Instances | None:
    if len(found) == 0:
        return None
    assert found.labels is not None and found.scores is not None, "detections need labels and scores"
    own = found[(found.labels == label) & (found.scores > score)]
    return best_first(own)[:1] if len(own) else None
