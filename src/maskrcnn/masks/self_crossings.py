"""Polygons whose outline crosses itself, so that inside and outside change places."""

from __future__ import annotations

import numpy as np

MOST_POINTS = 1500  # of one polygon: pairs of its edges are looked at, and a longer one is first thinned out
LEAST_CHANGE = 0.05  # part of the area that a loop must change to matter


def signed_area(points: np.ndarray) -> float:
    """Of a polygon ``[n, 2]``: loops that go round the other way count negative (the shoelace formula)."""
    x, y = (points - points.mean(0)).T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def crosses_itself(points: np.ndarray) -> bool:
    """Whether two edges of the closed polygon ``[n, 2]`` cross; edges that touch or share a point do not."""
    points = _without_repeats(points)
    points = points[:: -(-len(points) // MOST_POINTS)]
    if len(points) < 4:
        return False
    start, end = points, np.roll(points, -1, axis=0)
    # the ends of edge j lie on both sides of the line through edge i, and the other way round
    side_of_start = _side(start[:, None], end[:, None], start[None])
    side_of_end = _side(start[:, None], end[:, None], end[None])
    splits = (side_of_start * side_of_end) < 0
    return bool((splits & splits.T).any())


def loops_matter(points: np.ndarray, covered: float) -> bool:
    """Whether a polygon crosses itself so that what it covers is not what it surrounds.

    A traced outline may have a small loop in a corner, which changes nothing; such ones are let
    pass.

    Args:
        points: ``[n, 2]``.
        covered: pixels that it fills when it is drawn.

    Returns:
        Whether it does.
    """
    around = abs(signed_area(points))
    slack = 2.0 + LEAST_CHANGE * max(covered, around) + 0.5 * _perimeter(points) * (covered < 200)
    return abs(covered - around) > slack and crosses_itself(points)


def _perimeter(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())


def _without_repeats(points: np.ndarray) -> np.ndarray:
    kept: np.ndarray = points[(points != np.roll(points, 1, axis=0)).any(1)]
    return kept


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Positive left of the line from ``start`` to ``end``, negative right of it; broadcasts over ``[..., 2]``."""
    along, to = end - start, point - start
    side: np.ndarray = np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])
    return side
