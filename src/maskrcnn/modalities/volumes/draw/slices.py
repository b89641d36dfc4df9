"""Which slices of a volume a montage shows, and in how many columns and of what size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.regions import Regions

FEW, MANY = 12, 20  # slices of a montage; a scan of up to FEW is shown whole
SHARPEST = 16.0  # pixels of the montage for each voxel: beyond, there is nothing more to see
SMALLEST, LARGEST = 240, 860  # pixels of the longer side of a slice, the first even of a few voxels
NARROWEST = 64  # pixels of a column: the words in it need them


@dataclass(frozen=True)
class Grid:
    """Slices of ``tile`` (width, height in pixels) in ``columns`` and ``rows`` of cells; ``count`` of them are used."""

    columns: int
    rows: int
    count: int
    tile: tuple[int, int]

    @property
    def cell(self) -> int:
        """Width of a column."""
        return max(self.tile[0], NARROWEST)


def lay_grid(extent: tuple[float, float], shape: tuple[int, int], slices: int, room: tuple[int, int], gap: int) -> Grid:
    """The grid that shows most.

    Args:
        extent: height and width of a slice in millimetres.
        shape: its rows and columns in voxels.
        slices: how many could be shown.
        room: width and height in pixels at most.
        gap: pixels between two slices.

    Returns:
        The grid.
    """
    most = most_scale(extent, shape)
    best, best_score = Grid(1, 1, 1, (1, 1)), -1.0
    for columns in range(1, MANY + 1):
        for rows in range(1, MANY + 1):
            count = slices if slices <= MANY else columns * rows
            if not (rows - 1) * columns < count <= rows * columns or (slices > MANY and not FEW <= count <= MANY):
                continue
            across = (room[0] - (columns - 1) * gap) / columns
            down = (room[1] - (rows - 1) * gap) / rows
            scale = min(across / extent[1], down / extent[0], most)
            width, height = (max(1, math.floor(scale * side)) for side in extent[::-1])
            score = count * width * height * (1 - 0.03 * (rows * columns - count)) * (1 - 0.01 * abs(count - 16))
            if score > best_score and columns * (max(width, NARROWEST) + gap) - gap <= room[0]:
                best, best_score = Grid(columns, rows, count, (width, height)), score
    return best


def most_scale(extent: tuple[float, float], shape: tuple[int, int]) -> float:
    """Pixels for each millimetre at most, of a plane of ``extent`` (height, width) and ``shape`` (rows, columns)."""
    voxel = min(e / s for e, s in zip(extent, shape))
    return min(max(SHARPEST / voxel, SMALLEST / max(extent)), LARGEST / max(extent))


def areas_by_slice(regions: Regions) -> list[np.ndarray]:
    """Voxels of each object in each slice of its own window, int64 ``[Z of the window]``."""
    return [np.count_nonzero(regions.window(i), axis=(1, 2)) for i in range(len(regions))]


def first_slices(regions: Regions) -> list[int]:
    """The z of the first slice of each object's window."""
    return [int(z) for z in regions.offsets[:, 0]]


def occupied(first: Sequence[int], areas: Sequence[np.ndarray], depth: int) -> tuple[int, int]:
    """The slices [low, high) from the first object to the last; all where there is none, or of up
    to FEW.

    Args:
        first: the z of the first slice of each object's window.
        areas: voxels of each object in each slice of its window.
        depth: slices of the volume.

    Returns:
        The first slice and the one after the last.
    """
    if depth <= FEW:
        return 0, depth
    spans = [(z, z + len(a)) for z, a in zip(first, areas) if a.any()]
    return (min(z for z, _ in spans), max(z for _, z in spans)) if spans else (0, depth)


def choose_slices(first: Sequence[int], areas: Sequence[np.ndarray], depth: int, count: int) -> list[int]:
    """``count`` slices, in order and evenly spread over those with objects, moved where an object would be missed.

    As many objects as there are slices are all shown, however thin they are; of more, as many as can be without
    giving up one that is shown already.

    Args:
        first: the z of the first slice of each object's window.
        areas: voxels of each object in each slice of its window.
        depth: slices of the volume.
        count: of slices that are asked for; where there are fewer, all are shown.

    Returns:
        Their z, rising.
    """
    low, high = occupied(first, areas, depth)
    count = min(count, high - low)
    chosen = {low + math.floor((k + 0.5) * (high - low) / count) for k in range(count)}
    shown = [{z + int(k) for k in np.flatnonzero(a)} for z, a in zip(first, areas)]
    for slices, z, area in zip(shown, first, areas):
        if not slices or slices & chosen:
            continue
        needed = {next(iter(s & chosen)) for s in shown if len(s & chosen) == 1}
        if not needed < chosen:
            break
        peak = z + int(np.argmax(area))
        chosen.remove(min(chosen - needed, key=lambda k: (abs(k - peak), k)))
        chosen.add(peak)
    return sorted(chosen)
