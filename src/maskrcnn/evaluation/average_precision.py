"""COCO's average precision in any number of dimensions: its matching and accumulation over pairs that overlap.

The rules are those of COCO's own program with one range of sizes, all: its small, medium and large are pixels of photos
and mean nothing for samples or voxels. hotcoco does the same for images alone (``coco.py``), and is this file's twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from maskrcnn.evaluation.bootstrap import RECALL_STEPS, ClassMatches
from maskrcnn.evaluation.overlap import box_pairs, mask_pairs
from maskrcnn.evaluation.unlabelled import half_known, on_half_known
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
NOBODY = -1
NONE = -1.0  # in COCO's tables: there is no such object


@dataclass(frozen=True)
class Measured:
    """COCO's tables. T IoU thresholds, K classes, A ranges of size (the first is all).

    Attributes:
        precision: float64 ``[T, 101, K, A]``: the best precision at each recall or more; -1: no such object.
        recall: float64 ``[T, K, A]``: of all detections that count; -1: no such object.
        matches: gives what the tables follow from, a class each in rising order, for all sizes.
    """

    precision: np.ndarray
    recall: np.ndarray
    matches: Callable[[], list[ClassMatches]]


@dataclass(frozen=True)
class Judged:
    """The detections of one record that count, best first within each class: labels and scores ``[N]``, matched and
    ignored ``[T, N]``; and objects: how many of label 0, 1 ... there are to find."""

    labels: np.ndarray
    scores: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    objects: np.ndarray


def measure(
    kind: str,
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    max_detections: int,
    keypoint_names: Sequence[str] = (),
) -> Measured:
    """Match the detections of every record to its labels and count them up.

    An object of which a side is unknown (``Record.unknown_sides``) is left out: a detection of it counts neither for
    nor against, as on a crowd (:func:`maskrcnn.evaluation.unlabelled.on_half_known` says which are).

    Args:
        kind: "box" or "mask": what overlaps are measured of.
        records: the labels, in file coordinates.
        detections: of the same files, in the same order and coordinates.
        class_names: of labels 1..K.
        max_detections: best detections of one class in one record that count.
        keypoint_names: of no use here; other evaluators need them.

    Returns:
        Precision and recall at every IoU threshold, and the matches that they follow from.
    """
    num_classes = len(class_names)
    judged = []
    for record, found in zip(records, detections):
        ignored = _ignored(kind, record)
        judged.append(judge(record, found, ignored, partial(_overlaps, kind, record, ignored), max_detections))
    return tables_of(judged, num_classes)


def tables_of(judged: Sequence[Judged], num_classes: int) -> Measured:
    """Count up what was judged record by record."""
    matches = [_of_class(judged, label) for label in range(1, num_classes + 1)]
    tables = [accumulate(m) for m in matches]
    precision = np.stack([p for p, _ in tables], axis=-1)[..., None]
    recall = np.stack([r for _, r in tables], axis=-1)[..., None]
    return Measured(precision, recall, lambda: matches)


def accumulate(matches: ClassMatches) -> tuple[np.ndarray, np.ndarray]:
    """The precision at each of 101 recalls or more, ``[T, 101]``, and the recall of all, ``[T]``, of one class."""
    num_objects, num_thresholds = int(matches.objects.sum()), len(matches.matched)
    precision = np.full((num_thresholds, len(RECALL_STEPS)), NONE if num_objects == 0 else 0.0)
    recall = np.full(num_thresholds, NONE if num_objects == 0 else 0.0)
    if num_objects == 0 or len(matches.image) == 0:
        return precision, recall
    right = np.cumsum(matches.matched & ~matches.ignored, axis=1)
    wrong = np.cumsum(~matches.matched & ~matches.ignored, axis=1)
    best_from_here = np.maximum.accumulate((right / np.maximum(right + wrong, 1))[:, ::-1], axis=1)[:, ::-1]
    for t, reached in enumerate(right / num_objects):
        first = np.searchsorted(reached, RECALL_STEPS, side="left")
        within = first < len(reached)
        precision[t, within] = best_from_here[t, first[within]]
        recall[t] = reached[-1]
    return precision, recall


def judge(
    record: Record,
    found: Instances,
    ignored: np.ndarray,
    overlaps: Callable[[Instances], tuple[np.ndarray, ...]],
    max_detections: int,
) -> Judged:
    """Match the detections of one record.

    Args:
        record: the labels.
        found: the detections, in coordinates of the file.
        ignored: bool ``[M]``: what is on such an object counts neither for nor against.
        overlaps: gives, of the detections that count, those P pairs with objects that meet: detection ``[P]``, object
            ``[P]`` and 0..1 ``[P]``, how well they agree.
        max_detections: best detections of one class that count.

    Returns:
        What each detection is.
    """
    objects = np.bincount(record.labels[~ignored & (record.labels > 0)])
    if len(found) == 0:
        nothing = np.zeros((len(IOU_THRESHOLDS), 0), bool)
        return Judged(np.zeros(0, np.int64), np.zeros(0), nothing, nothing, objects)
    found = found[torch.from_numpy(_best_of_each_class(found, max_detections))]
    labels = found.labels.numpy()
    of, on, overlap = overlaps(found)
    own = (labels[of] == record.labels[on]) & (overlap >= IOU_THRESHOLDS[0] - 1e-10)
    object_of, neutral = match(len(found), of[own], on[own], overlap[own], ignored)
    matched = object_of != NOBODY
    if record.exhaustive is not None:
        neutral |= ~matched & ~np.isin(labels, sorted(record.exhaustive))
    return Judged(labels, found.scores.double().numpy(), matched, neutral, objects)


def _best_of_each_class(found: Instances, max_detections: int) -> np.ndarray:
    """Indices of what counts: by class, then by falling score, equal ones in the order given."""
    labels, scores = found.labels.numpy(), found.scores.numpy()
    order = np.lexsort((-scores, labels))
    first_of_class = np.searchsorted(labels[order], labels[order], side="left")
    return order[np.arange(len(order)) - first_of_class < max_detections]


def _ignored(kind: str, record: Record) -> np.ndarray:
    """Bool ``[M]``: nothing to find: crowds, objects with an unknown side, and, among masks, those nobody drew."""
    ignored: np.ndarray = np.zeros(len(record), bool) if record.crowd is None else record.crowd.astype(bool)
    ignored = ignored | half_known(record)
    if kind == "mask" and record.regions is not None:
        ignored = ignored | (record.regions.areas() == 0)
    return ignored


def _overlaps(kind: str, record: Record, ignored: np.ndarray, found: Instances) -> tuple[np.ndarray, ...]:
    """Detection, object and overlap of P pairs that meet, by COCO's measure: the IoU; for what is ignored the part of
    the detection inside it; for an object with an unknown side 1 or 0."""
    boxes = found.boxes.double().numpy()
    of_boxes = box_pairs(boxes, record.boxes)
    if kind == "mask" and record.regions is not None and found.regions is not None:
        pairs = mask_pairs(found.regions, _with_boxes_for_undrawn(record.regions, record.boxes))
    else:
        pairs = of_boxes
    partly = half_known(record)
    if not partly.any():
        return pairs.found, pairs.labelled, np.where(ignored[pairs.labelled], pairs.inside, pairs.iou)
    whole, half = pairs[~partly[pairs.labelled]], of_boxes[partly[of_boxes.labelled]]
    overlap = np.where(ignored[whole.labelled], whole.inside, whole.iou)
    of, on = (np.concatenate(ends) for ends in ((whole.found, half.found), (whole.labelled, half.labelled)))
    return of, on, np.concatenate([overlap, on_half_known(record, boxes, half).astype(np.float64)])


def _with_boxes_for_undrawn(regions: Regions, boxes: np.ndarray) -> Regions:
    """An object whose mask nobody drew covers the samples whose centres lie in its box."""
    undrawn = np.flatnonzero(regions.areas() == 0)
    limit = np.array(regions.spatial_shape)
    low, high = (np.ceil(side[:, ::-1] - 0.5) for side in np.split(boxes[undrawn].astype(np.float64), 2, axis=1))
    low, high = (np.clip(side, 0, limit).astype(np.int64) for side in (low, high))
    filled = Regions.from_windows(regions.spatial_shape, ((a, np.ones(b - a, bool)) for a, b in zip(low, high)))
    offsets, shapes, runs = regions.offsets.copy(), regions.shapes.copy(), list(regions.runs)
    offsets[undrawn], shapes[undrawn] = filled.offsets, filled.shapes
    for i, own in zip(undrawn.tolist(), filled.runs):
        runs[i] = own
    return replace(regions, offsets=offsets, shapes=shapes, runs=runs)


def match(
    count: int, found: np.ndarray, labelled: np.ndarray, overlap: np.ndarray, ignored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """COCO's matching at every IoU threshold at once: down the detections, each takes the free object that it overlaps
    most, of equal ones the last; one that finds none but lies on something ignored is ignored.

    Args:
        count: detections, N, numbered from best to worst (within each class, where pairs are of one
            class).
        found: int64 ``[P]``, the detection of each pair.
        labelled: int64 ``[P]``, its object, of M.
        overlap: float64 ``[P]``, the IoU of each pair.
        ignored: bool ``[M]``.

    Returns:
        the object that each takes, int64 ``[T, N]``, or -1; and ignored, bool ``[T, N]``.
    """
    thresholds = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)[:, None]
    object_of = np.full((len(thresholds), count), NOBODY)
    neutral = np.zeros((len(thresholds), count), bool)
    taken = np.zeros((len(thresholds), len(ignored)), bool)
    order = np.lexsort((labelled, found))
    found, labelled, overlap = found[order], labelled[order], overlap[order]
    starts = np.flatnonzero(np.diff(found, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(found)]):
        n, objects, by = found[start], labelled[start:stop], overlap[start:stop]
        enough = by >= thresholds  # [T, objects]
        free = enough & ~taken[:, objects] & ~ignored[objects]
        hit = free.any(axis=1)
        best = objects[len(objects) - 1 - np.argmax(np.where(free, by, NONE)[:, ::-1], axis=1)]
        object_of[hit, n] = best[hit]
        taken[hit, best[hit]] = True
        neutral[:, n] = ~hit & (enough & ignored[objects]).any(axis=1)
    return object_of, neutral


def _of_class(judged: Sequence[Judged], label: int) -> ClassMatches:
    """All records' detections of one class, by falling score."""
    own = [j.labels == label for j in judged]
    image = np.repeat(np.arange(len(judged)), [int(o.sum()) for o in own])
    order = np.argsort(-np.concatenate([j.scores[o] for j, o in zip(judged, own)]), kind="stable")
    matched = np.concatenate([j.matched[:, o] for j, o in zip(judged, own)], axis=1)[:, order]
    ignored = np.concatenate([j.ignored[:, o] for j, o in zip(judged, own)], axis=1)[:, order]
    objects = np.array([j.objects[label] if label < len(j.objects) else 0 for j in judged], np.int64)
    return ClassMatches(image[order], matched, ignored, objects)
