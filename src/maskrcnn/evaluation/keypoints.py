"""Keypoints in COCO's evaluation, in which object keypoint similarity (OKS) stands where boxes have IoU.

OKS is the mean of ``exp(-d^2 / (2 a (2 sigma)^2))`` over the labelled points of an object: d is the distance in pixels,
a the object's area, sigma how far apart people place that point (cocodataset.org/#keypoints-eval).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import PIXEL_CENTRE, to_coco_keypoints
from maskrcnn.structures import Instances, Record

COCO_SIGMAS = {
    "nose": 0.026,
    "left_eye": 0.025,
    "right_eye": 0.025,
    "left_ear": 0.035,
    "right_ear": 0.035,
    "left_shoulder": 0.079,
    "right_shoulder": 0.079,
    "left_elbow": 0.072,
    "right_elbow": 0.072,
    "left_wrist": 0.062,
    "right_wrist": 0.062,
    "left_hip": 0.107,
    "right_hip": 0.107,
    "left_knee": 0.087,
    "right_knee": 0.087,
    "left_ankle": 0.089,
    "right_ankle": 0.089,
}
OTHER_SIGMA = 0.067  # the mean of COCO's, for points of which nobody has measured it
COCO_CAP = 20  # detections of one class in one image that COCO counts


def keypoint_sigmas(names: Sequence[str], num_keypoints: int) -> list[float]:
    """COCO's sigma of each point if these are COCO's 17 points of a person, else one for all, 0.067."""
    if tuple(names) == tuple(COCO_SIGMAS):
        return list(COCO_SIGMAS.values())
    return [OTHER_SIGMA] * num_keypoints


def have_keypoints(records: Sequence[Record], detections: Sequence[Instances]) -> bool:
    """Whether some point is labelled, and every detection has as many points as the labels."""
    labelled = [r.keypoints for r in records if r.keypoints is not None and (r.keypoints[..., -1] > 0).any()]
    found = [instances.keypoints for instances in detections if len(instances)]
    counts = {points.shape[1] for points in labelled} | {0 if points is None else points.shape[1] for points in found}
    return bool(labelled) and len(counts) == 1


def keypoint_cap(records: Sequence[Record], max_detections: int) -> int:
    """How many detections of one class in one image count: COCO's 20, or more where more objects have points."""
    most = COCO_CAP
    for record in records:
        if record.keypoints is not None and len(record):
            most = max(most, int(np.bincount(record.labels[(record.keypoints[..., -1] > 0).any(1)], minlength=1).max()))
    return min(max_detections, most)


def num_keypoints(records: Sequence[Record]) -> int:
    """P, of the first record that has keypoints."""
    return next((record.keypoints.shape[1] for record in records if record.keypoints is not None), 0)


def with_labelled_points(rows: list[dict[str, Any]], record: Record, count: int) -> list[dict[str, Any]]:
    """Add the labelled points to COCO's annotations; COCO ignores an object without one.

    Args:
        rows: annotations, of which those after the record's objects have no points.
        record: with the points.
        count: of points an object.

    Returns:
        The rows with ``keypoints`` and ``num_keypoints``.
    """
    points = np.zeros((len(rows), count, 3), np.float32)
    if record.keypoints is not None:
        points[: len(record)] = record.keypoints
    seen = points[..., 2:] > 0
    moved = (points.astype(np.float64) - [PIXEL_CENTRE, PIXEL_CENTRE, 0]) * seen
    columns = zip(rows, moved.reshape(len(rows), 3 * count).tolist(), seen.sum((1, 2)).tolist())
    return [{**row, "keypoints": triples, "num_keypoints": labelled} for row, triples, labelled in columns]


def with_found_points(rows: list[dict[str, Any]], found: Instances) -> list[dict[str, Any]]:
    """COCO's results with their ``[x, y, score, ...]``."""
    assert found.keypoints is not None, "detections need keypoints"
    return [{**row, "keypoints": triples} for row, triples in zip(rows, to_coco_keypoints(found.keypoints.numpy()))]
