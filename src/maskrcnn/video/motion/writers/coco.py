"""COCO's json of keypoints: an image a frame, and an annotation for each object in it, with ``track_id``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.files import atomic_write
from maskrcnn.video.motion.objects import Moving

SEEN, FILLED = 2, 1  # COCO's visibility: labelled and visible; labelled, not visible


def write_coco(
    path: Path,
    objects: Sequence[Moving],
    frames: Sequence[int],
    size: tuple[int, int],
    categories: Sequence[Mapping[str, Any]],
) -> None:
    """Write the keypoints of a clip.

    Args:
        path: of the file.
        objects: of the clip.
        frames: indices of the frames, which are the ids of the images, from 0.
        size: width and height of a frame.
        categories: as COCO has them, of labels 1..K, with names and limbs of the points.
    """
    width, height = size
    images = (
        {"id": k, "file_name": f"{path.stem}_{k:06d}.jpg", "frame_id": k, "width": width, "height": height}
        for k in frames
    )
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.write('{"images": [')
        for count, image in enumerate(images):
            file.write((",\n" if count else "\n") + json.dumps(image, ensure_ascii=False))
        file.write('],\n"annotations": [')
        count = 0
        for own in objects:
            for entry in _entries(own, categories):
                count += 1
                file.write((",\n" if count > 1 else "\n") + json.dumps({"id": count, **entry}))
        file.write('],\n"categories": ' + json.dumps(list(categories), ensure_ascii=False) + "}\n")


def _entries(own: Moving, categories: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    entries = []
    for k, points in enumerate(own.points):
        known = ~np.isnan(points[:, 0])
        if not known.any():
            continue
        x1, y1, x2, y2 = own.boxes[k].tolist() if not np.isnan(own.boxes[k, 0]) else _around(points[known])
        shown = np.where(known[:, None], points, 0.5)  # 0 and 0, of which COCO says nothing
        cells = np.array(to_coco_keypoints(shown[None])[0]).reshape(-1, 3)
        flags = np.where(known, np.where(points[:, 2] > 0, SEEN, FILLED), 0)
        flat: list[float] = []
        for (x, y, _), flag in zip(cells.tolist(), flags.tolist()):
            flat += [round(x, 2), round(y, 2), flag]
        entries.append(
            {
                "image_id": own.frames[k],
                "category_id": categories[own.label - 1]["id"],
                "track_id": own.number,
                "bbox": [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
                "area": round((x2 - x1) * (y2 - y1), 2),
                "iscrowd": 0,
                "keypoints": flat,
                "num_keypoints": int(known.sum()),
                "score": round(float(own.scores[k]), 4),
            }
        )
    return entries


def _around(points: np.ndarray) -> list[float]:
    box: list[float] = [*points[:, :2].min(0).tolist(), *points[:, :2].max(0).tolist()]
    return box
