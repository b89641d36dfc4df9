"""Non-maximum suppression: exactly the greedy algorithm, in whole-tensor steps."""

from __future__ import annotations

import torch
from torch import Tensor

from maskrcnn.ops.boxes import pairwise_iou

CHUNK = 256  # boxes compared at a time: on a CPU their overlaps stay in the cache
CHUNK_ELSEWHERE = 1024  # and where each step costs more than its work


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Suppress boxes that overlap a better one: greedy non-maximum suppression.

    Going down the scores (equal scores in the given order), a box is kept unless a box kept before
    it overlaps it by more than the threshold. "Kept = no kept, better box overlaps me" has exactly
    one solution, the greedy one, and repeating it from "all kept" settles the k-th box after at
    most k rounds: usually a handful in all. Boxes go in chunks, each first cleared by those already
    kept, so memory is linear in N.

    Args:
        boxes: ``[N, 2D]``.
        scores: ``[N]``.
        iou_threshold: a larger overlap suppresses.

    Returns:
        Indices of the boxes that are kept, best score first.
    """
    order = scores.argsort(descending=True, stable=True)
    ranked = boxes[order]
    kept: list[Tensor] = []
    size = CHUNK if boxes.device.type == "cpu" else CHUNK_ELSEWHERE
    for start in range(0, len(ranked), size):
        chunk = torch.arange(start, min(start + size, len(ranked)), device=boxes.device)
        for earlier in kept:
            chunk = chunk[~(pairwise_iou(ranked[earlier], ranked[chunk]) > iou_threshold).any(0)]
        overlaps = (pairwise_iou(ranked[chunk], ranked[chunk]) > iou_threshold).triu(1)
        kept.append(chunk[_fixed_point(overlaps)])
    return order[torch.cat(kept)] if kept else order


def _fixed_point(overlaps: Tensor) -> Tensor:
    """Bool ``[N]``: kept, where ``overlaps[i, j]`` says that the better box i overlaps j (upper triangle)."""
    keep = torch.ones(len(overlaps), dtype=torch.bool, device=overlaps.device)
    while True:
        suppressed = overlaps[keep].any(0)
        if torch.equal(keep, ~suppressed):
            return keep
        keep = ~suppressed


def grouped_nms(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    """Suppress boxes within each group alone: a class, or a level of the pyramid.

    One group at a time: fewer pairs than shifting the groups apart, and no rounding of the
    coordinates.

    Args:
        boxes: ``[N, 2D]``.
        scores: ``[N]``.
        groups: int64 ``[N]``.
        iou_threshold: a larger overlap suppresses.

    Returns:
        Indices of the boxes of all groups that are kept, best score first.
    """
    kept = [torch.empty(0, dtype=torch.long, device=boxes.device)]
    for group in groups.unique().tolist():
        members = (groups == group).nonzero().squeeze(1)
        kept.append(members[nms(boxes[members], scores[members], iou_threshold)])
    indices = torch.cat(kept).sort().values
    return indices[scores[indices].argsort(descending=True, stable=True)]
