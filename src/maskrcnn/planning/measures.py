"""What a fingerprint knows of objects and pictures, measured."""

from __future__ import annotations

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

OVERLAP = 0.2  # IoU from which two objects count as overlapping


def extents(boxes: np.ndarray) -> np.ndarray:
    """``[N, D]`` lengths of boxes ``[N, 2D]``, x first."""
    ndim = boxes.shape[1] // 2
    sides: np.ndarray = boxes[:, ndim:] - boxes[:, :ndim]
    return sides


def mask_fill_of(records: list[Record], objects: list[np.ndarray]) -> float:
    parts = []
    for record, keep in zip(records, objects):
        if record.regions is not None and keep.any():
            areas = record.regions.areas()[keep]
            parts.append((areas / extents(record.boxes)[keep].prod(1))[areas > 0])
    filled = np.concatenate(parts) if parts else np.ones(1)
    return float(min(np.median(filled), 1.0)) if len(filled) else 1.0


def overlap_of(boxes: list[np.ndarray]) -> float:
    """The part of all boxes that overlap another one of their image."""
    total = sum(map(len, boxes))
    touched = 0
    for own in boxes:
        if len(own) > 1:
            iou = _pairwise_iou(own)
            np.fill_diagonal(iou, 0)
            touched += int((iou.max(1) >= OVERLAP).sum())
    return touched / total if total else 0.0


def _pairwise_iou(boxes: np.ndarray) -> np.ndarray:
    ndim = boxes.shape[1] // 2
    low = np.maximum(boxes[:, None, :ndim], boxes[None, :, :ndim])
    high = np.minimum(boxes[:, None, ndim:], boxes[None, :, ndim:])
    shared = (high - low).clip(0).prod(-1)
    volumes = extents(boxes).prod(1)
    iou: np.ndarray = shared / np.maximum(volumes[:, None] + volumes[None] - shared, 1e-9)
    return iou


def look_at_picture(data: Dataset, record: Record) -> tuple[float, float, float] | None:
    """Colourfulness, range of grey values and mean grey value of one picture; None if it cannot be read."""
    try:
        pixels = data.read_image(record).float()
    except DataError:
        return None
    thin = pixels[(slice(None), *(slice(None, None, max(1, side // 128)) for side in pixels.shape[1:]))]
    values = thin.flatten(1).numpy()
    grey = values.mean(0)
    low, high = np.percentile(grey, (1, 99))
    return float((values.max(0) - values.min(0)).mean()), float(high - low), float(grey.mean())
