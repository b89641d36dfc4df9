"""Which detection continues which object: overlaps of grown boxes and of masks, and the best pairs of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.masks.shared_runs import Spans, mask_iou


def assign(worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns, int64, rising, of the assignment with the largest sum of ``worth [T, N]``.

    Raises UsageError where scipy is not installed.
    """
    solver = needed_package("scipy.optimize", "follow objects", "video")
    rows, columns = solver.linear_sum_assignment(worth, maximize=True)
    return rows.astype(np.int64), columns.astype(np.int64)


def buffered_iou(expected: np.ndarray, seen: np.ndarray, buffers: np.ndarray | float) -> np.ndarray:
    """IoU of boxes that grow on each side (Yang et al. 2023, C-BIoU), so that what moved a little more than it is long
    still meets.

    Args:
        expected: ``[T, 2D]``.
        seen: ``[N, 2D]``.
        buffers: parts of the box's own size that are added on each side: one, or ``[T]``, of each row.

    Returns:
        float64 ``[T, N]``.
    """
    ndim = expected.shape[1] // 2
    grow = np.broadcast_to(np.asarray(buffers, np.float64), (len(expected),))[:, None, None]
    low_a, high_a = expected[:, None, :ndim], expected[:, None, ndim:]
    low_b, high_b = seen[None, :, :ndim], seen[None, :, ndim:]
    size_a, size_b = high_a - low_a, high_b - low_b
    low = np.maximum(low_a - grow * size_a, low_b - grow * size_b)
    high = np.minimum(high_a + grow * size_a, high_b + grow * size_b)
    shared = np.maximum(high - low, 0).prod(-1)
    union = (size_a * (1 + 2 * grow)).prod(-1) + (size_b * (1 + 2 * grow)).prod(-1) - shared
    overlap: np.ndarray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def mask_ious(expected: Sequence[Spans | None], seen: Sequence[Spans | None], near: np.ndarray) -> np.ndarray:
    """IoU of masks at the places where they are expected.

    Args:
        expected: of T objects; None where an object has no mask.
        seen: of N detections.
        near: bool ``[T, N]``: which pairs are looked at.

    Returns:
        float64 ``[T, N]``: nan where a pair has no two masks, 0 where it was not looked at.
    """
    ious = np.zeros(near.shape)
    ious[[a is None for a in expected], :] = np.nan
    ious[:, [b is None for b in seen]] = np.nan
    for i, j in np.argwhere(near & ~np.isnan(ious)):
        a, b = expected[i], seen[j]
        if a is not None and b is not None:
            ious[i, j] = mask_iou(a, b)
    return ious


def best_pairs(similarity: np.ndarray, least: float) -> np.ndarray:
    """The pairs of the assignment with the largest sum, of those that reach ``least``.

    Args:
        similarity: ``[T, N]``.
        least: pairs with less, or with nothing in common, are none.

    Returns:
        int64 ``[P, 2]``, rising.
    """
    allowed = (similarity >= least) & (similarity > 0)
    rows, columns = assign(np.where(allowed, similarity, 0.0))
    kept = allowed[rows, columns]
    return np.stack([rows[kept], columns[kept]], 1)
