"""Which labelled object each anchor or proposal answers for, and which of them a loss looks at."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from maskrcnn.ops.boxes import pairwise_iou

BELOW = -1
BETWEEN = -2
PAIRS_AT_ONCE = 2**22  # of an object and a box: 16 MB for each array of them


def match_boxes(objects: Tensor, boxes: Tensor, high: float, low: float, keep_best: bool = False) -> Tensor:
    """Match boxes with objects as :func:`match` does, a few objects at a time.

    All overlaps of 500 objects with the million anchors of a large image are gigabytes; those of a
    few are megabytes.

    Args:
        objects: ``[G, 2D]``.
        boxes: ``[P, 2D]``.
        high: a match from this IoU on.
        low: no match under this one.
        keep_best: a box that is the best for some object matches, however little they overlap.

    Returns:
        int64 ``[P]``: the object of each box, or :data:`BELOW` or :data:`BETWEEN`.
    """
    some = objects.split(max(1, PAIRS_AT_ONCE // max(1, len(boxes))))
    return _match((pairwise_iou(part, boxes) for part in some), boxes[:, 0], high, low, keep_best)


def match(iou: Tensor, high: float, low: float, keep_best: bool = False) -> Tensor:
    """Match each prediction with the object that it overlaps most (Faster R-CNN, section 3.1.2).

    Args:
        iou: ``[G, P]``, objects by predictions.
        high: a match from here on.
        low: no match, :data:`BELOW`, under this; in between neither, :data:`BETWEEN`.
        keep_best: a prediction that is the best for some object (ties included) matches, however
            little they overlap; an object that nothing overlaps has no best one. It goes to the
            object that *it* overlaps most, as in every published implementation.

    Returns:
        int64 ``[P]``: the object of each prediction, or :data:`BELOW` or :data:`BETWEEN`.
    """
    return _match([iou], iou.new_zeros(iou.shape[1]), high, low, keep_best)


def _match(rows: Iterable[Tensor], like: Tensor, high: float, low: float, keep_best: bool) -> Tensor:
    """:func:`match` of overlaps that come as parts ``[g, P]``; ``like`` is any ``[P]`` of their kind."""
    overlap, best = torch.full_like(like, -1), torch.zeros_like(like, dtype=torch.long)
    is_best = torch.zeros_like(like, dtype=torch.bool)
    before = 0
    for iou in rows:
        if iou.numel():
            top, which = iou.max(0)
            better = top > overlap
            overlap, best = torch.where(better, top, overlap), torch.where(better, which + before, best)
            if keep_best:
                is_best |= ((iou == iou.max(1, keepdim=True).values) & (iou > 0)).any(0)
        before += len(iou)
    matched = torch.where(overlap < low, BELOW, torch.where(overlap < high, BETWEEN, best))
    return torch.where(is_best, best, matched)


def sample(
    positive: Tensor, negative: Tensor, count: int, positive_fraction: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw positives and negatives at random, as many as a loss looks at.

    Args:
        positive: bool ``[P]``.
        negative: bool ``[P]``.
        count: most indices in all.
        positive_fraction: most positives, as a part of ``count``; the rest is negative.
        generator: of the CPU; the draw does not depend on the device.

    Returns:
        Indices of the sampled positives and of the sampled negatives, each in ascending order.
    """
    chosen_positive = _draw(positive, int(count * positive_fraction), generator)
    chosen_negative = _draw(negative, count - len(chosen_positive), generator)
    return chosen_positive, chosen_negative


def _draw(mask: Tensor, count: int, generator: torch.Generator) -> Tensor:
    where = mask.nonzero().squeeze(1)
    if len(where) <= count:
        return where
    picked = torch.randperm(len(where), generator=generator)[:count].sort().values
    return where[picked.to(where.device)]
