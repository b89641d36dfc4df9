"""Matches detections with ground truth, and says what the false ones are, image by image.

The rules are COCO's at one IoU threshold: down the scores, a detection takes the object of its class that it overlaps
most among those that nobody took; one that can only take a crowd counts neither for nor against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskrcnn.evaluation.overlap import Overlaps, box_overlaps, box_pairs, mask_overlaps
from maskrcnn.evaluation.unlabelled import half_known, on_half_known
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

FOREGROUND = 0.5  # IoU from which an object is found
NEARBY = 0.1  # IoU from which a false detection is a bad box of its object and no longer background (TIDE's rule)
FALSE_KINDS = ("wrong class", "duplicate", "bad mask", "bad box", "background")  # in the order in which they are asked
NOBODY = -1


@dataclass(frozen=True)
class Scene:
    """One image with its N detections, best first, and its M labels.

    Attributes:
        scores, labels: of the detections, ``[N]``.
        truth: the labels' labels, int64 ``[M]``.
        ignored: bool ``[M]``: a crowd, or an object without the mask that is asked for: nothing to find.
        exhaustive: bool ``[N]``: the detection's class was searched for in this image.
        boxes: overlaps of the boxes.
        judged: overlaps by which an object counts as found: of masks where there are any, or else of boxes.
        masks: whether ``judged`` are those of masks.
    """

    scores: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    ignored: np.ndarray
    exhaustive: np.ndarray
    boxes: Overlaps
    judged: Overlaps
    masks: bool


@dataclass(frozen=True)
class Matches:
    """What :func:`match_scene` found.

    Attributes:
        object_of: int64 ``[N]``: the object that each detection takes, or -1.
        detection_of: int64 ``[M]``: the detection that each object is taken by, or -1.
        neutral: bool ``[N]``: the detection counts neither for nor against.
    """

    object_of: np.ndarray
    detection_of: np.ndarray
    neutral: np.ndarray


def best_first(found: Instances) -> Instances:
    """Detections by falling score, equal ones in the order given."""
    return found[found.scores.argsort(descending=True, stable=True)]


def lay_out(record: Record, found: Instances, masks: bool) -> Scene:
    """Lay out the detections and labels of one image, and how they overlap.

    Args:
        record: the labels.
        found: the detections, best first, in coordinates of the file.
        masks: judge by masks, where this image has them.

    Returns:
        The scene.
    """
    own = found.boxes.double().numpy().reshape(len(found), record.boxes.shape[1])
    boxes = box_overlaps(own, record.boxes)
    ignored = np.zeros(len(record), bool) if record.crowd is None else record.crowd.astype(bool)
    ignored = ignored | half_known(record)
    labels = found.labels.numpy()
    exhaustive = np.ones(len(found), bool)
    if record.exhaustive is not None:
        exhaustive = np.isin(labels, sorted(record.exhaustive))
    judged = boxes
    masks = masks and record.regions is not None and (found.regions is not None or len(found) == 0)
    if masks and record.regions is not None:
        drawn = record.regions.areas() > 0
        ignored = ignored | ~drawn
        found_regions = found.regions or Regions.blank(record.regions.spatial_shape)
        iou, inside = mask_overlaps(found_regions, record.regions)
        # Nobody drew its mask: what lies in its box is neither right nor wrong.
        judged = iou, np.where(drawn, inside, boxes[1])
    if half_known(record).any():  # what is on such an object is neither right nor wrong
        judged = judged[0], _inside_half_known(record, own, judged[1])
    return Scene(found.scores.numpy(), labels, record.labels, ignored, exhaustive, boxes, judged, masks)


def _inside_half_known(record: Record, boxes: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """``inside [N, M]`` with 1 or 0 for objects with an unknown side: whether the detection is one of that object."""
    inside = np.where(half_known(record), 0.0, inside)
    pairs = box_pairs(boxes, record.boxes)
    pairs = pairs[half_known(record)[pairs.labelled]]
    inside[pairs.found, pairs.labelled] = on_half_known(record, boxes, pairs)
    return inside


def match_scene(scene: Scene, threshold: float = FOREGROUND) -> Matches:
    """Down the scores, each detection takes the free object of its class that it overlaps most, from ``threshold``."""
    iou, inside = scene.judged
    object_of = np.full(len(scene.labels), NOBODY)
    detection_of = np.full(len(scene.truth), NOBODY)
    neutral = np.zeros(len(scene.labels), bool)
    for n, label in enumerate(scene.labels):
        own = scene.truth == label
        free = np.flatnonzero(own & ~scene.ignored & (detection_of == NOBODY) & (iou[n] >= threshold))
        if len(free):
            # of equal ones the last, as in COCO's own program
            best = free[len(free) - 1 - np.argmax(iou[n, free][::-1])]
            object_of[n], detection_of[best] = best, n
        else:
            neutral[n] = not scene.exhaustive[n] or (own & scene.ignored & (inside[n] >= threshold)).any()
    return Matches(object_of, detection_of, neutral)


def shown_matches(matches: Matches, shown: np.ndarray) -> Matches:
    """What remains if only the first detections are shown: down the scores nobody's match depends on the rest.

    Args:
        matches: of all detections.
        shown: bool ``[N]``, of detections by falling score: True, then False.
    """
    count = int(shown.sum())
    taken = np.where(matches.detection_of < count, matches.detection_of, NOBODY)
    return Matches(matches.object_of[:count], taken, matches.neutral[:count])


def false_kinds(scene: Scene, matches: Matches) -> np.ndarray:
    """What each detection is, int64 ``[N]``: an index of :data:`FALSE_KINDS`, or -1 where it is right or neutral.

    The first that holds: it lies on an object of another class (IoU of 0.5 by what is judged) and on none of its own;
    on an object of its own class that a better detection has taken; its box is right (IoU 0.5) and its mask is not; its
    box meets an object of its class (IoU 0.1); it is background. After TIDE (Bolya et al. 2020), which has no word for
    masks and one more for a wrong class with a bad box, which is background here.
    """
    count = len(matches.object_of)
    if len(scene.truth) == 0:
        kind = np.full(count, FALSE_KINDS.index("background"))
    else:
        own = (scene.labels[:count, None] == scene.truth) & ~scene.ignored
        other = (scene.labels[:count, None] != scene.truth) & ~scene.ignored
        judged, boxes = scene.judged[0][:count], scene.boxes[0][:count]
        on_own = (own & (judged >= FOREGROUND)).any(1)
        tests = {
            "wrong class": (other & (judged >= FOREGROUND)).any(1) & ~on_own,
            "duplicate": on_own,
            "bad mask": (own & (boxes >= FOREGROUND)).any(1),  # where boxes are judged this was asked above
            "bad box": (own & (np.maximum(boxes, judged) >= NEARBY)).any(1),
            "background": np.ones(count, bool),
        }
        kind = np.argmax(np.stack([tests[name] for name in FALSE_KINDS]), axis=0)
    return np.where((matches.object_of == NOBODY) & ~matches.neutral, kind, NOBODY)


def confusion(scene: Scene, matches: Matches) -> list[tuple[int, int]]:
    """Pairs (label of the object, label of the detection), each object and each counted detection in one; 0: nothing.

    First come the matches. Then each false detection takes the free object of any class that it overlaps most (IoU of
    0.5 or more); what is left is paired with nothing.
    """
    pairs = [(int(scene.truth[m]), int(scene.labels[n])) for n, m in enumerate(matches.object_of) if m != NOBODY]
    free = (matches.detection_of == NOBODY) & ~scene.ignored
    for n in np.flatnonzero((matches.object_of == NOBODY) & ~matches.neutral):
        near = np.flatnonzero(free & (scene.judged[0][n] >= FOREGROUND))
        truth = 0
        if len(near):
            best = near[np.argmax(scene.judged[0][n, near])]
            free[best], truth = False, int(scene.truth[best])
        pairs.append((truth, int(scene.labels[n])))
    return pairs + [(int(label), 0) for label in scene.truth[free]]
