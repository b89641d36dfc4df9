"""Dice and volume error, class by class, for data with one object of each class: organs and their parts in scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.evaluation.misses.matching import best_first
from maskrcnn.evaluation.overlap import mask_pairs
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

SHOWN = 0.5  # detections that score more are looked at


@dataclass(frozen=True)
class ClassDice:
    """How well the object of one class was found in each of the R records that have it.

    Attributes:
        name: of the class.
        records: int64 ``[R]``: which of the records.
        dice: float64 ``[R]``: 2 |A and B| / (|A| + |B|); 0 where nothing was found.
        difference: float64 ``[R]``: the found volume less the labelled one, as a part of the labelled one; -1 where
            nothing was found. Volumes are samples of the file's own grid.
    """

    name: str
    records: np.ndarray
    dice: np.ndarray
    difference: np.ndarray

    def measures(self, prefix: str) -> dict[str, float | None]:
        """``<prefix>/dice`` and ``<prefix>/volume_error``, the mean of |V' - V| / V; None where R is 0."""
        some = len(self.records) > 0
        return {
            f"{prefix}/dice": float(self.dice.mean()) if some else None,
            f"{prefix}/volume_error": float(np.abs(self.difference).mean()) if some else None,
        }


def one_object_a_class(records: Sequence[Record]) -> bool:
    """Whether every record has masks, and no class more than one object in any."""
    labels = [record.labels[record.labels > 0] for record in records]
    return all(r.regions is not None for r in records) and all(len(set(k.tolist())) == len(k) for k in labels)


def dice_by_class(
    records: Sequence[Record], detections: Sequence[Instances], class_names: Sequence[str], score: float = SHOWN
) -> list[ClassDice]:
    """Dice and volume of the object of each class, record by record.

    Of several detections of a class the surest is the object, of equally sure ones the first, and the others are passed
    over, as is what is found of a class that the record does not have: average precision counts those.

    Args:
        records: with regions, one object of a class at most (:func:`one_object_a_class`). Label
            maps become such regions by ``Regions.from_label_map``.
        detections: of each record, on the CPU, with regions on its canvas, under its labels.
        class_names: of labels 1..K.
        score: detections that score more are looked at.

    Returns:
        Of each record, the Dice and the volumes of each class.
    """
    return [_class_dice(name, label, records, detections, score) for label, name in enumerate(class_names, start=1)]


def dice_measures(
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    prefix: str,
    score: float = SHOWN,
) -> dict[str, float | None]:
    """``<prefix>/<class>/dice`` and ``<prefix>/<class>/volume_error`` of :func:`dice_by_class`, whose arguments these
    are: means over the records that have the class. None: no record has it.

    Args:
        records: the labels.
        detections: of the same scans, in the same order.
        class_names: of labels 1..K.
        prefix: of the names of the measures.
        score: detections that score as much count.

    Returns:
        Means over the records that have the class; None: no record has it.
    """
    metrics: dict[str, float | None] = {}
    for of_class in dice_by_class(records, detections, class_names, score):
        metrics |= of_class.measures(f"{prefix}/{of_class.name}")
    return metrics


def _class_dice(
    name: str, label: int, records: Sequence[Record], detections: Sequence[Instances], score: float
) -> ClassDice:
    objects = [_object(record, label) for record in records]
    having = np.flatnonzero([object_ is not None for object_ in objects])
    pairs = [(objects[r], _surest(detections[r], label, score)) for r in having.tolist()]
    scores = np.array([_score(object_, found) for object_, found in pairs if object_ is not None]).reshape(-1, 2)
    return ClassDice(name, having, scores[:, 0], scores[:, 1])


def _score(object_: Regions, found: Regions | None) -> tuple[float, float]:
    """Dice and difference of volume of one object and what was found of it."""
    if found is None:
        return 0.0, -1.0
    iou = mask_pairs(found, object_).iou.sum()  # of one pair, or none
    own, other = int(object_.areas().sum()), int(found.areas().sum())
    return float(2 * iou / (1 + iou)), (other - own) / own


def _object(record: Record, label: int) -> Regions | None:
    """The object of one class; None where there is none, or nobody drew its mask."""
    assert record.regions is not None, "Dice needs the labels' masks"
    object_ = record.regions[record.labels == label]
    return object_ if object_.areas().sum() > 0 else None


def _surest(found: Instances, label: int, score: float) -> Regions | None:
    if len(found) == 0:
        return None
    own = found[(found.labels == label) & (found.scores > score)]
    return best_first(own)[:1].regions if len(own) else None
