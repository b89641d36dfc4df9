"""Scans with thick slices: a model whose samples are longer along one axis sees as far along each.

An axis with thick slices is not reduced before the others have become as coarse (the rule is that of nnU-Net, Isensee
et al. 2021: an axis is halved while its samples are less than twice as long as the shortest); anchors and windows are
as long in millimetres along every axis. Where samples are as long along all, everything is as it always was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Strides = tuple[tuple[int, ...], ...]  # of each reduction, D-tuples in tensor order
TOO_LONG = 2.0  # times the shortest: samples of an axis that waits for the others
WHOLE = 4  # samples: windows are multiples of it


def reductions(steps: Sequence[int], spacing: Sequence[float]) -> Strides:
    """Strides of a body's reductions where samples are longer along one axis than along another.

    Args:
        steps: the strides along the finest axis, one for each reduction.
        spacing: of the model's samples, x first.

    Returns:
        A D-tuple for each reduction, in tensor order.
    """
    lengths = list(reversed(spacing))
    strides = []
    for step in steps:
        limit = TOO_LONG * min(lengths)
        strides.append(tuple(step if length < limit else 1 for length in lengths))
        lengths = [length * stride for length, stride in zip(lengths, strides[-1])]
    return tuple(strides)


def anchor_shape(spacing: Sequence[float]) -> tuple[float, ...]:
    """The factors (x first, of product 1) that make an anchor a cube in millimetres."""
    middle = mean_spacing(spacing)
    return tuple(middle / own for own in spacing)


def mean_spacing(spacing: Sequence[float]) -> float:
    """The geometric mean, which lengths of anchors are in units of."""
    return math.exp(sum(map(math.log, spacing)) / len(spacing))


def window(side: int, spacing: Sequence[float]) -> tuple[int, ...] | None:
    """Samples (x first) of a window as long in millimetres along every axis as ``side`` samples of the finest; None:
    ``side`` along each."""
    finest = min(spacing)
    sides = tuple(max(WHOLE, math.ceil(side * finest / own / WHOLE - 1e-6) * WHOLE) for own in spacing)
    return sides if is_anisotropic(spacing) else None


def is_anisotropic(spacing: Sequence[float]) -> bool:
    """Whether the samples are noticeably longer along one axis than along another."""
    return max(spacing) > min(spacing) * 1.001
