"""A loss as a sum and a count, and the few functions that every loss uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Term:
    """A loss before its division: counts of several ranks or accumulated batches add up before it is made a mean."""

    total: Tensor
    count: int

    def mean(self, count: float | None = None) -> Tensor:
        """The sum over ``count``, by default its own; 0 where nothing was counted."""
        return self.total / max(self.count if count is None else count, 1)


def add_terms(parts: Iterable[dict[str, Term]]) -> dict[str, Term]:
    """The terms of several batches as those of one."""
    added: dict[str, Term] = {}
    for part in parts:
        for name, term in part.items():
            before = added.get(name)
            added[name] = term if before is None else Term(before.total + term.total, before.count + term.count)
    return added


def smooth_l1(prediction: Tensor, target: Tensor, beta: float) -> Tensor:
    """The Huber-like loss of Fast R-CNN: quadratic near 0, linear beyond.

    Args:
        prediction: of any shape.
        target: of the same shape.
        beta: where it becomes linear; 0: L1.

    Returns:
        The sum over all elements.
    """
    distance = (prediction - target).abs()
    if beta <= 0:
        return distance.sum()
    return torch.where(distance < beta, 0.5 * distance**2 / beta, distance - 0.5 * beta).sum()
