"""YOLO as Ultralytics has it: ``data.yaml``, ``images/train/`` and, for each image, a text file in ``labels/train``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from maskrcnn.data.dataset import Dataset
from maskrcnn.files import atomic_write
from maskrcnn.masks.outlines import one_polygon, rings
from maskrcnn.modalities.images.labels.conversion_loss import CROWDS, JOINED, count_unheld, has_mask, is_crowd
from maskrcnn.structures import Record

IMAGE_FOLDER = "images/train"
LABEL_FOLDER = "labels/train"
BOXES_AMONG_MASKS = "objects without a mask, written as boxes among outlines, which Ultralytics cannot train on"


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out/images/train``.

    Masks become outlines along the sides of their pixels, which cover exactly these. An outline is a single polygon,
    so holes and parts hang together by lines without width; other readers may draw these one pixel wide. Boxes with
    keypoints are written as poses where there are no masks.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/images/train``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.
    """
    lost: Counter[str] = Counter()
    with_keypoints = bool(data.keypoint_names) and not data.has_masks
    for record, name in images:
        lost += count_unheld(record, keypoints=with_keypoints)
        masked, crowd = has_mask(record), is_crowd(record)
        lost[CROWDS] += int(crowd.sum())
        rows = []
        for i in np.flatnonzero(~crowd).tolist():
            values = _outline(record, i, lost) if masked[i] else _box(record, i, with_keypoints)
            lost[BOXES_AMONG_MASKS] += data.has_masks and not masked[i]
            rows.append(" ".join([str(record.labels[i] - 1), *values]))
        with atomic_write((out / LABEL_FOLDER / name).with_suffix(".txt")) as temporary:
            temporary.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    _write_description(data, with_keypoints, out / "data.yaml")
    return +lost


def _outline(record: Record, i: int, lost: Counter[str]) -> list[str]:
    assert record.regions is not None
    window = record.regions.window(i)
    lost[JOINED] += len(rings(window)) > 1
    corners = np.reshape(one_polygon(window), (-1, 2)) + record.regions.offsets[i][::-1]
    return _texts((corners / _sides(record)).ravel(), "{:.7g}")


def _box(record: Record, i: int, with_keypoints: bool) -> list[str]:
    low, high = np.split(record.boxes[i].astype(np.float64), 2)
    values = [(low + high) / 2 / _sides(record), (high - low) / _sides(record)]
    if with_keypoints and record.keypoints is not None:
        points = record.keypoints[i].astype(np.float64) / [*_sides(record), 1]
        values.append(np.where(points[:, 2:] > 0, points, 0).ravel())
    return _texts(np.concatenate(values), "{:.10g}")


def _sides(record: Record) -> np.ndarray:
    """Width and height of the image."""
    return np.array(record.spatial_shape, dtype=np.float64)[::-1]


def _texts(values: Sequence[float] | np.ndarray, style: str) -> list[str]:
    return [style.format(value) for value in values]


def _write_description(data: Dataset, with_keypoints: bool, path: Path) -> None:
    content: dict[str, Any] = {"train": IMAGE_FOLDER, "val": IMAGE_FOLDER}
    if with_keypoints:
        content["kpt_shape"] = [len(data.keypoint_names), 3]
        content["kpt_names"] = {0: list(data.keypoint_names)}
    content["names"] = dict(enumerate(data.class_names))
    with atomic_write(path) as temporary:
        first = "# Ultralytics wants a val: name your own there. Paths begin at the folder of this file.\n"
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text(first + text, encoding="utf-8")
