"""Objects as the library supervision has them, for its annotators, trackers and counters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle
from maskrcnn.structures import Instances


def to_supervision(found: Instances, class_names: Sequence[str]) -> Any:
    """A ``supervision.Detections`` of the objects of one picture.

    Masks are a ``CompactMask`` where the installed supervision has one, which costs run lengths instead of a picture an
    object; else bool ``[N, H, W]``.

    Args:
        found: the objects.
        class_names: of labels 1..K.

    Returns:
        ``xyxy``, ``confidence``, ``mask``, ``class_id`` (counted from 0: ``class_names[class_id]``) and
        ``data["class_name"]``.

    Raises:
        UsageError: supervision is not installed.
    """
    library = needed_package("supervision", "make supervision.Detections", extra="supervision")
    labels = found.labels.numpy()
    return library.Detections(
        xyxy=found.boxes.numpy().astype(np.float32).reshape(-1, 4),
        mask=None if found.regions is None or not len(found) else _masks(found.regions, library),
        confidence=found.scores.numpy().astype(np.float32),
        class_id=labels - 1,
        data={"class_name": np.array([class_names[label - 1] for label in labels.tolist()], dtype=str)},
    )


def _masks(regions: Regions, library: Any) -> Any:
    compact = getattr(library, "CompactMask", None)
    if compact is None or not hasattr(compact, "from_coco_rle"):
        return np.stack([regions.mask(i) for i in range(len(regions))])
    boxes = regions.boxes()
    boxes[:, 2:] -= 1  # its boxes have their last pixel inside
    height, width = regions.spatial_shape
    runs = [regions_to_rle(regions, i) for i in range(len(regions))]
    return compact.from_coco_rle(runs, boxes, (height, width))
