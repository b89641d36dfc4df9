"""COCO json: ``annotations.json`` beside ``images/``, masks as run lengths, which hold every pixel exactly.

What is labelled on surfaces is written as DensePose has it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.data.dataset import Dataset
from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.formats.coco.densepose import surface_fields
from maskrcnn.modalities.images.labels.conversion_loss import has_mask, is_crowd
from maskrcnn.rle import regions_to_rle
from maskrcnn.structures import Record

AS_ESCAPE = "backslashreplace"  # half a character, which UTF-8 cannot hold, as json writes it
IMAGE_FOLDER = "images"


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out/images``; nothing is lost.

    Ids of images and classes stay. Which classes were searched for in an image is written as the reader of COCO takes
    it, ``annotated_category_ids``.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/images``.
        out: the folder of the data set.

    Returns:
        What the format cannot hold, in words, and how often.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    pointed: set[int] = set()  # labels of which some object has a keypoint
    surface = ""
    for record, name in images:
        assert record.spatial_shape is not None
        height, width = record.spatial_shape
        surface = surface or ("" if record.surface is None else record.surface.surface)
        entry: dict[str, Any] = {"id": record.image_id, "file_name": name, "height": height, "width": width}
        if record.exhaustive is not None:
            entry["annotated_category_ids"] = [data.category_ids[label - 1] for label in sorted(record.exhaustive)]
        entries.append(entry)
        for annotation, label, has_points in _annotations(record):
            annotations.append({"id": len(annotations) + 1, "category_id": data.category_ids[label - 1], **annotation})
            pointed |= {label} if has_points else set()
    categories: list[dict[str, Any]] = []
    for label, (category_id, class_name) in enumerate(zip(data.category_ids, data.class_names), start=1):
        categories.append({"id": category_id, "name": class_name})
        if data.keypoint_names and (label in pointed or not pointed):
            categories[-1]["keypoints"] = list(data.keypoint_names)
            categories[-1]["skeleton"] = [[a + 1, b + 1] for a, b in data.skeleton]
    content = {"images": entries, "annotations": annotations, "categories": categories}
    info = {"info": {"surface": surface}} if surface else {}
    with atomic_write(out / "annotations.json") as temporary:
        temporary.write_text(json.dumps(info | content, ensure_ascii=False), encoding="utf-8", errors=AS_ESCAPE)
    return Counter()


def _annotations(record: Record) -> Iterable[tuple[dict[str, Any], int, bool]]:
    """Each object as COCO has it, its label, and whether one of its keypoints is labelled."""
    masked, crowd = has_mask(record), is_crowd(record)
    rows = [] if record.keypoints is None else to_coco_keypoints(record.keypoints)
    for i in range(len(record)):
        x1, y1, x2, y2 = record.boxes[i].astype(np.float64).tolist()
        annotation: dict[str, Any] = {"image_id": record.image_id, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        annotation["area"] = (x2 - x1) * (y2 - y1) if record.areas is None else float(record.areas[i])
        annotation["iscrowd"] = int(crowd[i])
        if masked[i] and record.regions is not None:
            annotation["segmentation"] = regions_to_rle(record.regions, i)
        seen = 0
        if record.keypoints is not None:
            visible = record.keypoints[i, :, 2] > 0
            seen = int(visible.sum())
            points = np.where(visible[:, None], np.reshape(rows[i], (-1, 3)), 0.0)
            annotation |= {"keypoints": points.ravel().tolist(), "num_keypoints": seen}
        if record.surface is not None:
            annotation |= surface_fields(record.surface, i, record.boxes[i])
        yield annotation, int(record.labels[i]), seen > 0
