"""How well the masks of found objects fit, the boxes apart: mean IoU, and mean IoU of the boundaries.

Average precision mixes what was found with how well it was drawn. Here a detection whose box finds an object (IoU 0.5)
is asked for its mask alone; those count that a user is shown, with a score of 0.5 or more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from maskrcnn.evaluation.misses.matching import NOBODY, best_first, lay_out, match_scene
from maskrcnn.models.nd import max_pool
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

SHOWN = 0.5  # score from which on ``maskrcnn predict`` shows an object
DILATION = 0.02  # of the image's diagonal: how wide a boundary is (Cheng et al. 2021)
SIZES = {"": (0.0, math.inf), "s": (0.0, 32.0**2), "m": (32.0**2, 96.0**2), "l": (96.0**2, math.inf)}  # COCO's


def mask_quality(
    records: Sequence[Record], detections: Sequence[Instances], by_size: bool = True
) -> dict[str, float | None]:
    """``mask/IoU`` and ``mask/boundaryIoU``, and those of small, medium and large objects (``mask/IoUs`` ...).

    Args:
        records: labelled images.
        detections: what was found in each, under the data set's labels, in coordinates of the file.
        by_size: whether objects have a size in pixels, as those of images do.

    Returns:
        Means over the objects that were found; None where there are none. Nothing where nobody draws masks.
    """
    rows: list[tuple[float, float, float]] = []
    drawn = False
    for record, found in zip(records, detections):
        if record.regions is None or found.regions is None:
            continue
        drawn = True
        found = best_first(found[found.scores >= SHOWN])
        matches = match_scene(lay_out(record, found, masks=False))
        areas = record.regions.areas()
        for n, m in enumerate(matches.object_of):
            if m != NOBODY and areas[m] > 0:
                assert found.regions is not None
                rows.append((float(areas[m]), *overlap_of_masks(found.regions, n, record.regions, int(m))))
    if not drawn:
        return {}
    values = np.array(rows).reshape(-1, 3)
    quality: dict[str, float | None] = {}
    for column, name in ((1, "mask/IoU"), (2, "mask/boundaryIoU")):
        for size, (low, high) in (SIZES if by_size else {"": SIZES[""]}).items():
            own = values[(values[:, 0] >= low) & (values[:, 0] < high), column]
            quality[name + size] = float(own.mean()) if len(own) else None
    return quality


def overlap_of_masks(found: Regions, n: int, labelled: Regions, m: int) -> tuple[float, float]:
    """IoU of one mask and another on the same canvas, and that of their boundaries.

    A boundary is what of a mask lies within 2 % of the canvas's diagonal of what is not the mask; beyond the canvas
    there is nothing.

    Args:
        found: masks of detections.
        n: which of them.
        labelled: masks of labels.
        m: which of them.

    Returns:
        Both, 0..1.
    """
    low = np.minimum(found.offsets[n], labelled.offsets[m])
    high = np.maximum(found.offsets[n] + found.shapes[n], labelled.offsets[m] + labelled.shapes[m])
    if found.runs[n][1::2].sum() == 0:
        low, high = labelled.offsets[m], labelled.offsets[m] + labelled.shapes[m]
    masks = []
    for regions, k in ((found, n), (labelled, m)):
        mask = np.zeros(high - low, bool)
        if regions.shapes[k].all():
            start = regions.offsets[k] - low
            mask[tuple(slice(a, a + size) for a, size in zip(start, regions.shapes[k]))] = regions.window(k)
        masks.append(mask)
    width = max(round(DILATION * math.hypot(*found.spatial_shape)), 1)
    return _iou(*masks), _iou(*(mask & ~eroded(mask, width) for mask in masks))


def eroded(mask: np.ndarray, width: int) -> np.ndarray:
    """What of a mask ``[*S]`` lies more than ``width`` samples, along every axis, from all that is not the mask."""
    outside = torch.from_numpy(~mask).float()[None, None]
    padded = torch.nn.functional.pad(outside, (1, 1) * mask.ndim, value=1.0)
    for _ in range(width):
        padded = max_pool(padded, 3, 1, 1)
    framed: np.ndarray = padded[0, 0].numpy() == 0
    return framed[(slice(1, -1),) * mask.ndim]


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    either = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / either if either else 1.0
