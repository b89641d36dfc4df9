"""How much what was found and what was labelled cover each other: boxes, and masks window by window, in any D."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from maskrcnn.ops.boxes import pairwise_coverage, pairwise_iou
from maskrcnn.regions import Regions

Overlaps = tuple[np.ndarray, np.ndarray]  # IoU [N, M], and the part of each found object inside each label [N, M]


def box_overlaps(found: np.ndarray, labelled: np.ndarray) -> Overlaps:
    """Of boxes ``[N, 2D]`` and ``[M, 2D]``."""
    a, b = (torch.from_numpy(np.asarray(boxes, dtype=np.float64)) for boxes in (found, labelled))
    return pairwise_iou(a, b).numpy(), pairwise_coverage(a, b).numpy()


def mask_overlaps(found: Regions, labelled: Regions) -> Overlaps:
    """Of the masks of N and of M objects on one canvas; only pairs whose windows meet are laid out."""
    shared = np.zeros((len(found), len(labelled)))
    windows = cache(lambda which, i: (found, labelled)[which].window(i))
    a_low, b_low = found.offsets[:, None], labelled.offsets[None]
    a_high, b_high = a_low + found.shapes[:, None], b_low + labelled.shapes[None]
    low, high = np.maximum(a_low, b_low), np.minimum(a_high, b_high)
    for i, j in zip(*np.nonzero((low < high).all(axis=-1))):
        one = windows(0, i)[_slices(low[i, j] - found.offsets[i], high[i, j] - found.offsets[i])]
        two = windows(1, j)[_slices(low[i, j] - labelled.offsets[j], high[i, j] - labelled.offsets[j])]
        shared[i, j] = np.count_nonzero(one & two)
    own, other = found.areas()[:, None], labelled.areas()[None]
    return shared / np.maximum(own + other - shared, 1), shared / np.maximum(own, 1)


def _slices(start: np.ndarray, stop: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop))
