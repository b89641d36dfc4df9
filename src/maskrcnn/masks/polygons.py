"""A mask as polygons with holes, the form in which geographic and microscopy programs know shapes."""

from __future__ import annotations

import numpy as np

from maskrcnn.masks.components import connected_parts
from maskrcnn.masks.outlines import Ring, rings

Polygon = list[Ring]  # the outline of a part, then those of its holes


def polygons(mask: np.ndarray) -> list[Polygon]:
    """The parts of a boolean mask ``[H, W]`` as polygons along the sides of their pixels.

    A part is what hangs together by sides of pixels, so no polygon has two parts that meet in a corner alone, and no
    ring passes a corner twice: what programs that check geometries (JTS, GEOS) call valid.

    Args:
        mask: of one object.

    Returns:
        Of each part its rings, the outline first. Corners are x, y; the last is joined to the first.
    """
    parts = connected_parts(mask)
    found = []
    for number in range(1, int(parts.max(initial=0)) + 1):
        where = np.nonzero(parts == number)
        low = [int(along.min()) for along in where]
        window = parts[tuple(slice(start, int(along.max()) + 1) for start, along in zip(low, where))] == number
        loops = [loop for ring in rings(window) for loop in _simple(ring)]
        outline = max(range(len(loops)), key=lambda k: _area(loops[k]))
        ordered = [loops[outline], *(loop for k, loop in enumerate(loops) if k != outline)]
        found.append([[(x + low[1], y + low[0]) for x, y in loop] for loop in ordered])
    return found


def _simple(ring: Ring) -> list[Ring]:
    """A closed walk cut where it comes back to a corner, so that each piece passes each corner once."""
    found: list[Ring] = []
    walk: Ring = []
    place: dict[tuple[int, int], int] = {}
    for corner in ring:
        if corner in place:
            start = place[corner]
            found.append(walk[start:])
            for left in walk[start + 1 :]:
                del place[left]
            del walk[start + 1 :]
        else:
            place[corner] = len(walk)
            walk.append(corner)
    return [*found, walk]


def _area(ring: Ring) -> float:
    """Twice the area inside, above 0 where the covered side is inside (y grows downwards)."""
    x, y = np.array(ring, dtype=np.float64).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
