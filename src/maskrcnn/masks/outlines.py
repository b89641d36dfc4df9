"""Outlines of masks along the sides of their pixels: polygons that cover exactly the pixels they were made of."""

from __future__ import annotations

import numpy as np

Ring = list[tuple[int, int]]  # corners x, y; the last is joined to the first


def rings(mask: np.ndarray) -> list[Ring]:
    """The closed outlines of a boolean mask ``[H, W]``, those of holes among them, as corners of pixels.

    Every side between a covered and an uncovered pixel is a step with the covered pixel at its right hand. Steps that
    meet are one outline; only the corners at which it turns are kept.
    """
    steps = _steps(mask)
    found = []
    while steps:
        start = next(iter(steps))
        ring, corner = [], start
        while corner in steps:
            ring.append(corner)
            following = steps[corner]
            corner = following.pop()
            if not following:
                del steps[ring[-1]]
        found.append(_turns(ring))
    return found


def one_polygon(mask: np.ndarray) -> list[float]:
    """All outlines of a mask as a single polygon ``[x, y, x, y, ...]``, empty for an empty mask.

    Parts and holes hang together by lines that are walked there and back, which enclose nothing: where a polygon's
    inside is told by the number of sides to one hand (pycocotools and others), they do not change what it covers.
    """
    found = sorted(rings(mask), key=len, reverse=True)
    if not found:
        return []
    polygon = np.array(found[0], dtype=np.int64)
    for ring in found[1:]:
        other = np.array(ring, dtype=np.int64)
        here, there = _nearest(polygon, other)
        detour = np.concatenate([np.roll(other, -there, axis=0), other[[there]]])
        polygon = np.concatenate([polygon[: here + 1], detour, polygon[here:]])
    coordinates: list[float] = polygon.astype(np.float64).ravel().tolist()
    return coordinates


def _steps(mask: np.ndarray) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """From each corner (x, y) the corners that are one step away."""
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    padded = np.pad(mask.astype(np.int8), 1)
    across = np.diff(padded, axis=0)[:, 1:-1]  # [H + 1, W]: 1 where the pixel below is covered and the one above not
    down = np.diff(padded, axis=1)[
        1:-1
    ]  # [H, W + 1]: 1 where the pixel to the right is covered, not the one to the left
    for y, x in np.argwhere(across).tolist():
        start, end = ((x, y), (x + 1, y)) if across[y, x] > 0 else ((x + 1, y), (x, y))
        steps.setdefault(start, []).append(end)
    for y, x in np.argwhere(down).tolist():
        start, end = ((x, y + 1), (x, y)) if down[y, x] > 0 else ((x, y), (x, y + 1))
        steps.setdefault(start, []).append(end)
    return steps


def _turns(ring: Ring) -> Ring:
    """The corners of a closed walk at which its direction changes."""
    points = np.array(ring)
    arriving, leaving = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    return [ring[k] for k in np.flatnonzero((arriving != leaving).any(axis=1)).tolist()]


def _nearest(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """The indices of two points, one of each list ``[n, 2]``, that are nearest to each other."""
    best = (np.inf, 0, 0)
    for j, point in enumerate(second):
        distances = np.abs(first - point).sum(axis=1)
        i = int(distances.argmin())
        best = min(best, (float(distances[i]), i, j))
    return best[1], best[2]
