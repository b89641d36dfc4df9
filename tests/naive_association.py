"""Slow, obvious twins of the room `association`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def least_squares_t(values: Sequence[float], label: Sequence[float], confounders: Sequence[Sequence[float]]) -> float:
    """t of the label in one linear model of one sample, by the normal equations."""
    columns = np.array([[1.0] * len(values), *confounders, label], dtype=np.float64).T
    y = np.array(values, dtype=np.float64)
    inverse = np.linalg.inv(columns.T @ columns)
    coefficients = inverse @ columns.T @ y
    left = y - columns @ coefficients
    variance = float(left @ left) / (len(y) - columns.shape[1])
    return float(coefficients[-1] / math.sqrt(variance * inverse[-1, -1]))


def least_squares_f(values: Sequence[float], label: np.ndarray, confounders: Sequence[Sequence[float]]) -> float:
    """F of several columns ``[n, k]`` of a label at once: how much worse the model without them fits."""
    y = np.array(values, dtype=np.float64)
    small = np.array([[1.0] * len(y), *confounders]).T
    whole = np.column_stack([small, label])
    errors = [float(np.sum((y - m @ np.linalg.lstsq(m, y, rcond=None)[0]) ** 2)) for m in (small, whole)]
    return (errors[0] - errors[1]) / label.shape[1] / (errors[1] / (len(y) - whole.shape[1]))


def connected(samples: Sequence[tuple[int, ...]]) -> list[set[tuple[int, ...]]]:
    """Sets of indices ``(c, *S)`` that are joined by faces within a channel."""
    left, found = set(samples), []
    while left:
        ahead, part = [left.pop()], set()
        while ahead:
            one = ahead.pop()
            part.add(one)
            for axis in range(1, len(one)):
                for step in (-1, 1):
                    near = (*one[:axis], one[axis] + step, *one[axis + 1 :])
                    if near in left:
                        left.remove(near)
                        ahead.append(near)
        found.append(part)
    return found


def tfce(statistic: np.ndarray, step: float) -> np.ndarray:
    """Threshold-free cluster enhancement of ``[C, *S]``, height by height, each sign by itself."""
    enhanced = np.zeros(statistic.shape)
    for sign in (1, -1):
        level = 1
        while reached := [index for index in np.ndindex(*statistic.shape) if sign * statistic[index] >= level * step]:
            for part in connected(reached):
                for index in part:
                    enhanced[index] += sign * step * len(part) ** 0.5 * (level * step) ** 2
            level += 1
    return enhanced
