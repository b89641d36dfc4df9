"""Which way the axes of a scan run, and the turn after which x runs to the patient's right, y to the front, z to the
head.

Scanners and programs store voxels in any of 48 orders of axes and directions. A model that learned from scans of one
order must see all in that order, so every scan is turned before anything looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskrcnn.data.volume import Turn
from maskrcnn.errors import DataError

SMALLEST_COSINE = 1e-3  # between axes that still span a space


def turn_to_canonical(
    affine: np.ndarray, spatial_shape: Sequence[int], path: Path
) -> tuple[Turn, np.ndarray, tuple[float, ...]]:
    """The turn of a file's voxels, the affine of what comes of it, and the spacing (x first) in its units.

    Oblique axes count as the nearest of the patient's, those that agree best first; nibabel's ``io_orientation`` has
    the same rule.

    Args:
        affine: ``[4, 4]`` from the file's indices (i, j, k) to RAS+.
        spatial_shape: of the file's voxels, tensor order (k, j, i).
        path: of the file, for the error.

    Raises:
        DataError: an affine that is no number, or flat.
    """
    axes = np.asarray(affine, dtype=np.float64)[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not np.isfinite(affine).all() or (lengths <= 0).any():
        raise DataError(f"{path} does not say how its voxels lie (its affine is no use); repair its header.")
    left, sizes, right = np.linalg.svd(axes / lengths)
    if sizes[-1] < SMALLEST_COSINE:
        raise DataError(f"{path} has axes that lie in one plane (its affine is flat); repair its header.")
    cosines = left @ right  # the nearest rotation: [world axis, file axis]
    source, mirrored = [0, 0, 0], [False, False, False]  # of each world axis
    free = np.abs(cosines)
    for _ in range(3):
        world, own = divmod(int(free.argmax()), 3)
        source[world], mirrored[world] = own, bool(cosines[world, own] < 0)
        free[world, :] = free[:, own] = -1
    turned = np.eye(4)
    turned[:3, 3] = np.asarray(affine, dtype=np.float64)[:3, 3]
    sides = tuple(reversed(tuple(spatial_shape)))
    for world, (own, backwards) in enumerate(zip(source, mirrored)):
        turned[:3, world] = -axes[:, own] if backwards else axes[:, own]
        turned[:3, 3] += axes[:, own] * (sides[own] - 1) * backwards
    turn = Turn(tuple(2 - own for own in reversed(source)), tuple(reversed(mirrored)))
    return turn, turned, tuple(lengths[source].tolist())
