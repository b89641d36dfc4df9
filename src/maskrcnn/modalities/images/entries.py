"""The objects of a picture as COCO's results tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.rle import regions_to_rle
from maskrcnn.structures import Instances


def coco_entry(
    detections: Instances, i: int, class_names: Sequence[str], category_ids: Sequence[int]
) -> dict[str, Any]:
    """One object in COCO's results form, with the name of its class, without its image.

    Args:
        detections: in pixels of the image, on the CPU.
        i: which of them.
        class_names: of labels 1..K.
        category_ids: of the same.

    Returns:
        ``category``, ``category_id``, ``bbox`` (x, y, width, height), ``score``, and where there are such
        ``segmentation`` (compressed run lengths) and ``keypoints`` (x, y, score of one after another; 0 is the centre
        of the first pixel).
    """
    label = int(detections.labels[i])
    x1, y1, x2, y2 = (round(c, 2) for c in detections.boxes[i].tolist())
    entry = {
        "category": class_names[label - 1],
        "category_id": category_ids[label - 1],
        "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
        "score": round(float(detections.scores[i]), 4),
    }
    if detections.regions is not None:
        entry["segmentation"] = regions_to_rle(detections.regions, i)
    if detections.keypoints is not None:
        numbers = to_coco_keypoints(detections.keypoints[i : i + 1].numpy())[0]
        entry["keypoints"] = [round(number, 4 if k % 3 == 2 else 2) for k, number in enumerate(numbers)]
    return entry


def areas_of(detections: Instances) -> np.ndarray:
    """Pixels of each object's mask, or of its box where there are no masks, int64 ``[N]``."""
    if detections.regions is not None:
        return detections.regions.areas()
    low, high = detections.boxes.double().chunk(2, -1)
    return (high - low).prod(-1).round().long().numpy()
