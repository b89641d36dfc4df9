"""Which detection continues which object: overlaps of grown boxes and of masks, and the best pairs of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.masks.shared_runs import Spans, shared_of_pairs

NOTHING = np.zeros(0, np.int64)
NOWHERE = Spans(NOTHING.reshape(0, 0), NOTHING.reshape(0, 2), NOTHING, NOTHING, 0)  # no mask, in no pair


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
    grow = np.broadcast_to(np.asarray(buffers, np.float64), (len(expected),))[:, None]
    shared, own, other = np.ones((3, len(expected), len(seen)))
    for axis in range(ndim):  # by itself: numpy is slow along an axis of two or three
        (low_a, high_a), (low_b, high_b) = (boxes[:, [axis, ndim + axis]].T for boxes in (expected, seen))
        size_a, size_b = (high_a - low_a)[:, None], high_b - low_b
        low = np.maximum(low_a[:, None] - grow * size_a, low_b - grow * size_b)
        high = np.minimum(high_a[:, None] + grow * size_a, high_b + grow * size_b)
        shared *= np.maximum(high - low, 0)
        own *= size_a * (1 + 2 * grow)
        other *= size_b * (1 + 2 * grow)
    union = own + other - shared
    overlap: np.ndarray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def mask_ious(
    expected: Sequence[Spans | None],
    seen: Sequence[Spans | None],
    near: np.ndarray,
    shifts: np.ndarray | None = None,
) -> np.ndarray:
    """IoU of masks, those of objects at the places where they are expected.

    Args:
        expected: of T objects; None where an object has no mask.
        seen: of N detections.
        near: bool ``[T, N]``: which pairs are looked at.
        shifts: int64 ``[T, D]``, tensor order: from where masks of objects were seen to where they are expected.

    Returns:
        float64 ``[T, N]``: nan where a pair has no two masks, 0 where it was not looked at.
    """
    lacking = np.logical_or.outer([a is None for a in expected], [b is None for b in seen])
    ious = np.where(lacking, np.nan, 0.0).reshape(near.shape)
    pairs = np.argwhere(near & ~lacking)
    one, other = ([spans if spans is not None else NOWHERE for spans in masks] for masks in (expected, seen))
    shared = shared_of_pairs(one, other, pairs, shifts)
    areas = [np.array([spans.area for spans in masks], np.int64) for masks in (one, other)]
    either = areas[0][pairs[:, 0]] + areas[1][pairs[:, 1]] - shared
    ious[tuple(pairs.T)] = shared / np.maximum(either, 1)
    return ious


def mixed(worth: np.ndarray, other: np.ndarray, part: float) -> np.ndarray:
    """What pairs are worth by two measures at once.

    Args:
        worth: ``[T, N]``.
        other: ``[T, N]``; not a number where it says nothing, and ``worth`` stays as it is.
        part: of the result that is ``other``, 0..1.

    Returns:
        float64 ``[T, N]``.
    """
    return np.where(np.isnan(other), worth, (1 - part) * worth + part * other)


def doubles(boxes: np.ndarray, scores: np.ndarray, masks: Sequence[Spans | None], part: float) -> np.ndarray:
    """Which detections are a part of a surer one, or that one once more: most of their mask lies in its mask.

    Args:
        boxes: ``[N, 2D]``.
        scores: ``[N]``; of two that score the same the first is surer.
        masks: of the N detections; one without a mask is no double, and has none.
        part: of its mask, 0..1.

    Returns:
        bool ``[N]``.
    """
    ndim = boxes.shape[1] // 2
    drawn = np.array([mask is not None for mask in masks], bool)
    place = np.empty(len(boxes), np.int64)
    place[np.argsort(-scores, kind="stable")] = np.arange(len(boxes))
    asked = (place[None] < place[:, None]) & drawn[:, None] & drawn[None]
    for low, high in zip(boxes[:, :ndim].T, boxes[:, ndim:].T):
        asked &= (low[:, None] < high) & (low < high[:, None])
    pairs = np.argwhere(asked)
    own = [mask if mask is not None else NOWHERE for mask in masks]
    areas = np.array([mask.area for mask in own], np.int64)[pairs[:, 0]]
    shared = shared_of_pairs(own, own, pairs)
    double = np.zeros(len(boxes), bool)
    double[pairs[(shared >= part * areas) & (areas > 0), 0]] = True
    return double


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
