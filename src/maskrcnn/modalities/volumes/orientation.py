"""How a scan lies in its scanner: from an affine to the exchange and mirroring of axes that sets the patient upright.

World coordinates are RAS+ millimetres: they grow towards the patient's right, front and head. An affine maps a file's
indices (i, j, k), voxel centres, to them; a file's array in tensor order is ``[k, j, i]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.volume import Turn

FINEST, COARSEST = 1e-10, 1e8  # mm between voxels
LEAST_INDEPENDENCE = 1e-3  # singular value of the axes' unit vectors: less, and two of them point the same way


def turn_to_canonical(
    affine: np.ndarray, spatial_shape: Sequence[int], path: Path
) -> tuple[Turn, np.ndarray, tuple[float, ...]]:
    """The turn to canonical axes of a file's array, and the affine and the spacing (x first) of the turned array.

    Of an oblique affine the nearest rotation is taken first (the polar decomposition of the axes' unit vectors); then
    the file's axes, the one that lies nearest to a world axis first, choose the nearest of the world axes that are
    left. This is the rule of nibabel's ``io_orientation``.

    Args:
        affine: ``[4, 4]`` from indices (i, j, k) to RAS+ millimetres.
        spatial_shape: of the file's array, tensor order (k, j, i).
        path: of the file, for the error.

    Returns:
        The turn, the affine of the turned array, and its spacing, x first.

    Raises:
        DataError: for an affine that says no place: not finite, a step of no length, axes that do not span space.
    """
    check_affine(affine, path)
    turn = _turn(affine, path)
    turned = turned_affine(affine, turn, spatial_shape)
    return turn, turned, steps(turned)


def turned_affine(affine: np.ndarray, turn: Turn, spatial_shape: Sequence[int]) -> np.ndarray:
    """The affine of ``turn.apply(array)`` where ``affine`` is that of an array of ``spatial_shape`` (tensor order).

    Args:
        affine: ``[4, 4]``, of the array before it is turned.
        turn: that is applied to it.
        spatial_shape: of the array, tensor order.

    Returns:
        ``[4, 4]``.
    """
    last = len(turn.axes) - 1
    back = np.zeros_like(affine, dtype=np.float64)  # from indices of the turned array to those of the file
    back[-1, -1] = 1
    for axis, (source, mirrored) in enumerate(zip(turn.axes, turn.mirrored)):
        back[last - source, last - axis] = -1 if mirrored else 1
        back[last - source, -1] = spatial_shape[source] - 1 if mirrored else 0
    return np.asarray(affine, dtype=np.float64) @ back


def steps(affine: np.ndarray) -> tuple[float, ...]:
    """Millimetres from voxel to voxel along each axis of the array, x (i) first."""
    lengths: list[float] = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:-1, :-1], axis=0).tolist()
    return tuple(lengths)


def check_affine(affine: np.ndarray, path: Path) -> None:
    """Raises DataError where numbers of the affine are not finite, its last row is another, or a step has no length."""
    if not np.isfinite(affine).all():
        raise DataError(f"{path}: its affine holds numbers that are not finite; write the file again with a valid one.")
    if not np.allclose(affine[-1], np.eye(len(affine))[-1]):
        raise DataError(f"{path}: the last row of its affine is not 0, 0, 0, 1; write the file again with a valid one.")
    if not min(steps(affine)) > 0:
        raise DataError(f"{path}: an axis of its affine has no length; write the file again with a valid one.")
    check_steps(steps(affine), path)


def check_steps(spacing: Sequence[float], path: Path) -> None:
    """Raises DataError for a distance of voxels (in mm) that no microscope and no landscape has."""
    strange = next((step for step in spacing if not FINEST <= step <= COARSEST), None)
    if strange is not None:
        raise DataError(f"{path} says that its voxels are {strange:g} mm apart; write it again with their real size.")


def _turn(affine: np.ndarray, path: Path) -> Turn:
    """Each axis of the file to the world axis that it runs nearest to, forwards."""
    directions = np.asarray(affine, dtype=np.float64)[:-1, :-1] / steps(affine)
    left, values, right = np.linalg.svd(directions)
    if values.min() < LEAST_INDEPENDENCE:
        raise DataError(f"{path}: two axes of its affine point the same way; write the file again with a valid one.")
    rotation = left @ right
    last = len(rotation) - 1
    axes, mirrored = [0] * len(rotation), [False] * len(rotation)
    free = np.ones(len(rotation), dtype=bool)
    for index in np.argsort(-(rotation**2).max(axis=0), kind="stable").tolist():
        column = rotation[:, index]
        world = int(np.argmax(np.where(free, np.abs(column), -1.0)))
        free[world] = False
        axes[last - world], mirrored[last - world] = last - index, bool(column[world] < 0)
    return Turn(tuple(axes), tuple(mirrored))
