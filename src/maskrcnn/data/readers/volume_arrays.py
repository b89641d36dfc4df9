"""Volumes as arrays: npy, and npz with ``volume`` (or ``samples``, ``image``, ``labels``), ``spacing`` and ``affine``.

An array is ``[Z, Y, X]`` or ``[C, Z, Y, X]``. ``spacing`` is in millimetres, x first; ``affine`` leads from indices
(x, y, z) to RAS+ millimetres.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.data.orientation import turn_to_canonical
from maskrcnn.data.volume import FileSpace, Turn, Volume, filled, reason
from maskrcnn.errors import DataError

SUFFIXES = frozenset({".npz", ".npy"})
VOXELS = ("volume", "samples", "image", "labels")


def is_volume_array(path: Path) -> bool:
    """Whether the file holds an array of three or four axes; only the head of it is read."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    try:
        shapes = _shapes(path)
    except Exception:  # a damaged file is nobody's
        return False
    name = _chosen(shapes)
    return name is not None and len(shapes[name]) in (3, 4)


def read_volume_array(path: Path) -> Volume:
    """The voxels, turned to RAS+ where the file has an affine.

    Raises:
        DataError: a damaged file, no volume in it, or a spacing or affine that is none.
    """
    try:
        content = np.load(path, allow_pickle=False)
        arrays: dict[str, Any] = {"": content} if isinstance(content, np.ndarray) else {k: content[k] for k in content}
    except Exception as error:  # numpy meets broken files with errors of every kind
        raise DataError(f"{path} is no array that can be read ({reason(error)}); save it again.") from error
    name = _chosen({k: v.shape for k, v in arrays.items()})
    if name is None:
        raise DataError(f"{path} has no array named volume; it has {', '.join(arrays) or 'none'}.")
    voxels = arrays[name]
    if voxels.ndim not in (3, 4) or voxels.dtype.kind not in "fiub":
        raise DataError(f"{path}: a volume is [Z, Y, X] or [C, Z, Y, X] of numbers, not {voxels.shape} {voxels.dtype}.")
    voxels = voxels if voxels.ndim == 4 else voxels[None]
    spacing, affine = _spacing(arrays, path), _affine(arrays, path)
    shape = tuple(voxels.shape[1:])
    turn, turned = Turn.none(3), affine
    if affine is not None:
        turn, turned, spacing = turn_to_canonical(affine, shape, path)
    samples, notes = filled(np.array(turn.apply(voxels), dtype=np.float32, order="C"), path)
    container = path.suffix.lower()[1:]
    space = FileSpace(container, shape, turn, affine)
    names = ("",) if len(samples) == 1 else tuple(f"channel {k}" for k in range(1, len(samples) + 1))
    return Volume(torch.from_numpy(samples), spacing, turned, space, names, notes)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Of the arrays in a file, from their headers."""
    if path.suffix.lower() == ".npy":
        return {"": np.load(path, allow_pickle=False, mmap_mode="r").shape}
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shapes[member.removesuffix(".npy")] = read(file)[0]
    return shapes


def _chosen(shapes: dict[str, tuple[int, ...]]) -> str | None:
    """The array that holds the voxels."""
    named = next((name for name in VOXELS if name in shapes), None)
    return next(iter(shapes)) if named is None and len(shapes) == 1 else named


def _spacing(arrays: dict[str, Any], path: Path) -> tuple[float, ...] | None:
    if "spacing" not in arrays:
        return None
    spacing = np.asarray(arrays["spacing"], dtype=np.float64).reshape(-1)
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise DataError(f"{path}: spacing must be three positive numbers of millimetres, x first, not {spacing}.")
    return tuple(spacing.tolist())


def _affine(arrays: dict[str, Any], path: Path) -> np.ndarray | None:
    if "affine" not in arrays:
        return None
    affine = np.asarray(arrays["affine"], dtype=np.float64)
    if affine.shape != (4, 4):
        raise DataError(f"{path}: an affine has four rows and columns, not {affine.shape}.")
    return affine
