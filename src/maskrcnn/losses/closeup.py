"""The loss of a mask that is seen from close up: cross entropy, weighted at the border, and Dice."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.losses.terms import Term
from maskrcnn.ops.nd import full

BORDER = 4.0  # how much more a bin near an object's border counts than one far from it


def closeup_mask_loss(logits: Tensor, targets: Tensor, counted: Tensor) -> Term:
    """The mean over objects of weighted binary cross entropy plus the Dice loss (Milletari et al. 2016).

    Args:
        logits: ``[R, *M]``.
        targets: ``[R, *M]``, the covered part of each bin, 0..1.
        counted: bool ``[R, *M]``: which bins are known; those outside the image, for example, are not.

    Returns:
        The sum over R objects, and R.
    """
    logits, targets = full(logits), full(targets)
    known = counted.to(logits.dtype)
    weights = known * (1 + BORDER * border(targets))
    over = tuple(range(1, logits.ndim))
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    entropy = (entropy * weights).sum(over) / weights.sum(over).clamp(min=1e-6)
    probability = logits.sigmoid() * known
    both = (probability * targets).sum(over)
    dice = 1 - (2 * both + 1) / (probability.sum(over) + (targets * known).sum(over) + 1)
    return Term((entropy + dice).sum(), len(logits))


def border(targets: Tensor) -> Tensor:
    """``[R, *M]``: how much the masks ``[R, *M]`` change from each bin to its neighbours, 0..1."""
    change = torch.zeros_like(targets)
    for axis in range(1, targets.ndim):
        step = targets.diff(dim=axis).abs()
        size = targets.shape[axis]
        for first in (0, 1):  # the step is between a bin and the next, and counts for both
            here = change.narrow(axis, first, size - 1)
            here.copy_(here.maximum(step))
    return change
