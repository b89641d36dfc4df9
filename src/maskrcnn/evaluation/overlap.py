"""Overlaps (IoU) of detections with ground truth: of boxes, and of masks window by window, in any D."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from maskrcnn.ops.boxes import pairwise_coverage, pairwise_iou
from maskrcnn.regions import Regions

Overlaps = tuple[np.ndarray, np.ndarray]  # IoU [N, M], and the part of each found object inside each label [N, M]
CHUNK = 1 << 22  # pairs that are looked at together: 32 MB a column


@dataclass(frozen=True)
class Pairs:
    """The P pairs of a found and a labelled object that share something; of most of N x M there is nothing to say.

    Attributes:
        found, labelled: int64 ``[P]``: which of N and which of M, in rising order of both.
        iou: float64 ``[P]``.
        inside: float64 ``[P]``: the part of the found object that lies in the labelled one.
    """

    found: np.ndarray
    labelled: np.ndarray
    iou: np.ndarray
    inside: np.ndarray

    def __getitem__(self, which: np.ndarray) -> Pairs:
        """Those at ``which``, bool or int64."""
        return Pairs(self.found[which], self.labelled[which], self.iou[which], self.inside[which])


def box_overlaps(found: np.ndarray, labelled: np.ndarray) -> Overlaps:
    """Of boxes ``[N, 2D]`` and ``[M, 2D]``."""
    a, b = (torch.from_numpy(np.asarray(boxes, dtype=np.float64)) for boxes in (found, labelled))
    return pairwise_iou(a, b).numpy(), pairwise_coverage(a, b).numpy()


def box_pairs(found: np.ndarray, labelled: np.ndarray) -> Pairs:
    """Of boxes ``[N, 2D]`` and ``[M, 2D]``, those that meet."""
    a, b = (np.asarray(boxes, dtype=np.float64) for boxes in (found, labelled))
    i, j = meeting(a, b)
    return _pairs(i, j, _shared_lengths(a[i], b[j]).prod(axis=1), _lengths(a).prod(axis=1), _lengths(b).prod(axis=1))


def mask_pairs(found: Regions, labelled: Regions) -> Pairs:
    """Of the masks of N and of M objects on one canvas, those that meet."""
    i, j = meeting(found.boxes(), labelled.boxes())
    shared = np.zeros(len(i))
    windows = cache(lambda which, k: (found, labelled)[which].window(k))
    low = np.maximum(found.offsets[i], labelled.offsets[j])
    high = np.minimum(found.offsets[i] + found.shapes[i], labelled.offsets[j] + labelled.shapes[j])
    for p, (a, b) in enumerate(zip(i.tolist(), j.tolist())):
        one = windows(0, a)[_slices(low[p] - found.offsets[a], high[p] - found.offsets[a])]
        two = windows(1, b)[_slices(low[p] - labelled.offsets[b], high[p] - labelled.offsets[b])]
        shared[p] = np.count_nonzero(one & two)
    meet = shared > 0
    return _pairs(i[meet], j[meet], shared[meet], found.areas(), labelled.areas())


def mask_overlaps(found: Regions, labelled: Regions) -> Overlaps:
    """Of the masks of N and of M objects on one canvas."""
    pairs = mask_pairs(found, labelled)
    iou, inside = np.zeros((2, len(found), len(labelled)))
    iou[pairs.found, pairs.labelled] = pairs.iou
    inside[pairs.found, pairs.labelled] = pairs.inside
    return iou, inside


def meeting(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices ``(i, j)`` of all boxes of ``a [N, 2D]`` and ``b [M, 2D]`` that share a volume, in rising order."""
    pieces = [(i[meet], j[meet]) for i, j in _candidates(a, b) for meet in [(_shared_lengths(a[i], b[j]) > 0).all(1)]]
    i, j = (np.concatenate([p[side] for p in pieces]) if pieces else np.zeros(0, np.int64) for side in (0, 1))
    order = np.lexsort((j, i))
    return i[order], j[order]


def _candidates(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs that may meet, in pieces: no box of ``b`` begins so far before one of ``a`` that even the longest ends."""
    if len(a) == 0 or len(b) == 0:
        return
    order = np.argsort(b[:, 0], kind="stable")
    begins, longest = b[order, 0], _lengths(b)[:, 0].max()
    first = np.searchsorted(begins, a[:, 0] - longest, side="left")
    count = np.maximum(np.searchsorted(begins, a[:, b.shape[1] // 2], side="left") - first, 0)
    ends = np.cumsum(count)
    for piece in np.split(np.arange(len(a)), np.flatnonzero(np.diff(ends // CHUNK)) + 1):
        i = np.repeat(piece, count[piece])
        within = np.arange(len(i)) - np.repeat(np.cumsum(count[piece]) - count[piece], count[piece])
        yield i, order[np.repeat(first[piece], count[piece]) + within]


def _pairs(i: np.ndarray, j: np.ndarray, shared: np.ndarray, own: np.ndarray, other: np.ndarray) -> Pairs:
    """From what the pairs share and the sizes of all N and all M."""
    return Pairs(i, j, shared / (own[i] + other[j] - shared), shared / own[i])


def _lengths(boxes: np.ndarray) -> np.ndarray:
    low, high = np.split(boxes, 2, axis=1)
    sides: np.ndarray = high - low
    return sides


def _shared_lengths(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Along each axis, ``[P, D]``, of boxes one to one; negative where they are apart."""
    (a_low, a_high), (b_low, b_high) = np.split(a, 2, axis=1), np.split(b, 2, axis=1)
    sides: np.ndarray = np.minimum(a_high, b_high) - np.maximum(a_low, b_low)
    return sides


def _slices(start: np.ndarray, stop: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop))
