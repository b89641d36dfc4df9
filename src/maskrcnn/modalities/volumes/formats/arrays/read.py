"""Arrays of voxels: npy, or npz with ``volume`` and perhaps ``spacing`` and ``affine`` or a map of ``labels``.

An array is ``[Z, Y, X]`` or, with channels, ``[C, Z, Y, X]``. ``spacing`` is three numbers in millimetres, x first;
``affine`` leads from indices (x, y, z) to RAS+ millimetres. Series of one or two axes have a reader of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.numpy_arrays import ArrayFile, array_headers
from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.orientation import steps, turn_to_canonical
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Turn, Volume
from maskrcnn.modalities.volumes.voxels import Voxels, check_numbers, labels_of, reading, volume_of

SAMPLES, LABELS = ("volume", "samples", "image"), ("labels", "label", "mask", "numbers")
SPACING, AFFINE = "spacing", "affine"
MOST_FEW = 16  # numbers of a spacing or an affine
UNEQUAL = 0.01  # spacing and affine may differ by this much of a step


def looks_like_volume(path: Path) -> bool:
    """Whether an npz or npy holds numbers of three or four axes; only its header is read."""
    try:
        headers = dict(array_headers(path))
        chosen = {_choose([*headers], SAMPLES), _choose([*headers], LABELS)} - {None}
        return any(_is_volume(*headers[name]) for name in chosen if name is not None)
    except Exception:  # archives meet broken bytes with errors of every kind
        return False


def read(path: Path) -> Volume:
    """The volume: of an npz ``volume``, ``samples``, ``image`` or its only array.

    Raises:
        DataError: damaged, of other axes, no such array, a spacing or an affine that is none.
    """
    return volume_of(path, _open(path, SAMPLES))


def read_labels(path: Path) -> LabelVolume:
    """The label map: of an npz ``labels``, ``label``, ``mask``, ``numbers``, its only array, or the samples' names.

    Raises:
        DataError: as :func:`read`, and for several channels or what is no whole number from 0.
    """
    return labels_of(path, _open(path, LABELS + SAMPLES))


def _open(path: Path, wanted: Sequence[str]) -> Voxels:
    with reading(path, "an array"):
        content = ArrayFile(path, "voxels")
        name = _choose([*content], wanted)
        if name is None:
            raise DataError(f"{path} has no array {wanted[0]}; it has {', '.join(content) or 'none'}.")
        said = {key: _few(path, key, content) for key in (SPACING, AFFINE)}
        return _voxels(path, np.array(content[name]), said[SPACING], said[AFFINE])


def _few(path: Path, name: str, content: ArrayFile) -> np.ndarray | None:
    """A small array; None where it is not there."""
    if name not in content:
        return None
    if math.prod(content.shape(name)) > MOST_FEW:
        raise DataError(f"{path}: its {name} is an array of {content.shape(name)} numbers; leave it out.")
    return content[name]


def _voxels(path: Path, array: np.ndarray, spacing: np.ndarray | None, affine: np.ndarray | None) -> Voxels:
    if array.ndim not in (3, 4):
        raise DataError(f"{path} has the shape {array.shape}; save a volume as [Z, Y, X] or [C, Z, Y, X].")
    channels = array if array.ndim == 4 else array[None]
    check_numbers(path, channels)
    shape, container = channels.shape[1:], path.suffix.lower().removeprefix(".")
    between = None if spacing is None else _checked_spacing(path, spacing)
    if affine is None:
        return Voxels(channels, FileSpace(container, shape, Turn.none(3)), between)
    if affine.shape != (4, 4) or affine.dtype.kind not in "fiu":
        raise DataError(f"{path}: its affine is {affine.dtype} of the shape {affine.shape}; save 4 x 4 numbers.")
    placed = affine.astype(np.float64)
    turn, turned, turned_steps = turn_to_canonical(placed, shape, path)
    if between is not None and not np.allclose(between, steps(placed), rtol=UNEQUAL):
        raise DataError(f"{path}: its spacing {between} is not that of its affine {steps(placed)}; leave one out.")
    space = FileSpace(container, shape, turn, placed)
    return Voxels(turn.apply(channels), space, turned_steps, turned)


def _checked_spacing(path: Path, spacing: np.ndarray) -> tuple[float, ...]:
    numbers = spacing.dtype.kind in "fiu" and spacing.size == 3
    if not numbers or not np.isfinite(spacing).all() or not (spacing > 0).all():
        raise DataError(f"{path}: its spacing must be three positive numbers in mm, x first, not {spacing.tolist()}.")
    values: list[float] = spacing.astype(np.float64).reshape(-1).tolist()
    return tuple(values)


def _choose(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first wanted name that is there, else the only array."""
    arrays = [name for name in names if name not in (SPACING, AFFINE)]
    return next((name for name in wanted if name in arrays), arrays[0] if len(arrays) == 1 else None)


def _is_volume(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    return len(shape) in (3, 4) and dtype.kind in "fiub"
