"""Which labelled object each anchor or proposal answers for, and which of them a loss looks at."""

from __future__ import annotations

import torch
from torch import Tensor

BELOW = -1
BETWEEN = -2


def match(iou: Tensor, high: float, low: float, keep_best: bool = False) -> Tensor:
    """Index ``[P]`` of the object that each prediction matches best (Faster R-CNN, section 3.1.2).

    Args:
        iou: ``[G, P]``, objects by predictions.
        high: a match from here on.
        low: no match, :data:`BELOW`, under this; in between neither, :data:`BETWEEN`.
        keep_best: a prediction that is the best for some object (ties included) matches, however little they overlap;
            an object that nothing overlaps has no best one. It goes to the object that *it* overlaps most, as in every
            published implementation.
    """
    if iou.shape[0] == 0:
        return torch.full((iou.shape[1],), BELOW, dtype=torch.long, device=iou.device)
    overlap, best = iou.max(0)
    matched = torch.where(overlap < low, BELOW, torch.where(overlap < high, BETWEEN, best))
    if keep_best and iou.shape[1]:
        is_best = ((iou == iou.max(1, keepdim=True).values) & (iou > 0)).any(0)
        matched = torch.where(is_best, best, matched)
    return matched


def sample(
    positive: Tensor, negative: Tensor, count: int, positive_fraction: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw at most ``count`` indices: at most ``positive_fraction`` of them positive, the rest negative.

    Args:
        positive, negative: bool ``[P]``.
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
