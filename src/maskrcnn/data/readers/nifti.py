"""NIfTI, and FreeSurfer's MGH: scans that say how they lie, read with nibabel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.data.orientation import turn_to_canonical
from maskrcnn.data.volume import FileSpace, Volume, extra, filled, reason
from maskrcnn.errors import DataError, UsageError

SUFFIXES = (".nii", ".nii.gz", ".mgh", ".mgz")
MILLIMETRES = {"meter": 1000.0, "micron": 0.001}  # in one of them; other units are millimetres or not said


def is_nifti(path: Path) -> bool:
    """Whether the name is that of such a file."""
    return path.name.lower().endswith(SUFFIXES)


def read_nifti(path: Path) -> Volume:
    """The scan, turned to RAS+; a fourth axis holds channels.

    Without an orientation in its header a file has the one that nibabel gives it.

    Raises:
        DataError: a damaged file, colours, complex numbers or more than four axes.
        UsageError: nibabel is not installed.
    """
    nibabel = extra("nibabel", "NIfTI files")
    try:
        image = nibabel.load(path)
        voxels, slope, inter = _stored(image.dataobj)
    except UsageError:
        raise
    except Exception as error:  # nibabel, gzip and numpy meet broken files with errors of every kind
        raise DataError(f"{path} cannot be read ({reason(error)}); copy or export it again.") from error
    if voxels.dtype.kind not in "fiub":
        raise DataError(f"{path} holds {_named(voxels.dtype)} instead of one number a voxel; export it as grey values.")
    voxels = _four_axes(voxels, path)  # [X, Y, Z, C]
    scale = MILLIMETRES.get(_unit(image.header), 1.0)
    affine = np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
    stored_shape = tuple(reversed(voxels.shape[:3]))
    turn, turned, spacing = turn_to_canonical(affine, stored_shape, path)
    samples = np.ascontiguousarray(turn.apply(voxels.T), dtype=np.float32)
    if slope != 1:
        samples *= slope
    if inter != 0:
        samples += inter
    samples, notes = filled(samples, path)
    space = FileSpace("nifti", stored_shape, turn, affine, _codes(image.header))
    names = ("",) if len(samples) == 1 else tuple(f"channel {k}" for k in range(1, len(samples) + 1))
    return Volume(torch.from_numpy(samples), spacing, turned, space, names, notes)


def _stored(proxy: Any) -> tuple[np.ndarray, float, float]:
    """The numbers as they are stored and what makes values of them: nibabel itself would make double precision."""
    if hasattr(proxy, "get_unscaled") and hasattr(proxy, "slope"):
        return np.asanyarray(proxy.get_unscaled()), float(proxy.slope), float(proxy.inter)
    return np.asanyarray(proxy), 1.0, 0.0


def _four_axes(voxels: np.ndarray, path: Path) -> np.ndarray:
    shape = voxels.shape
    while len(shape) > 3 and 1 in shape[3:]:  # a time of one moment, or the gap before the channels
        axis = 3 + shape[3:].index(1)
        shape = shape[:axis] + shape[axis + 1 :]
    if len(shape) < 3:
        shape = shape + (1,) * (3 - len(shape))
    if len(shape) > 4:
        raise DataError(f"{path} has {voxels.ndim} axes; save one moment of it, of three axes and perhaps channels.")
    return voxels.reshape(shape if len(shape) == 4 else (*shape, 1), order="A")


def _unit(header: Any) -> str:
    return str(header.get_xyzt_units()[0]) if hasattr(header, "get_xyzt_units") else "mm"


def _codes(header: Any) -> dict[str, Any]:
    """What a writer needs so that viewers take the same orientation."""
    return {name: int(header[name]) for name in ("sform_code", "qform_code") if name in getattr(header, "keys", list)()}


def _named(dtype: np.dtype) -> str:
    return "colours" if dtype.fields else "complex numbers" if dtype.kind == "c" else str(dtype)
