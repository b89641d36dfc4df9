"""NRRD (.nrrd, or .nhdr with its data beside it), by pynrrd: scans and label maps as 3D Slicer and ITK write them.

Axes with a direction in space (or of the kind ``domain`` or ``space``) are those of the volume; one more may hold
channels. Definition: teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.parsing.units import millimetres_in
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Turn, Volume, extra
from maskrcnn.modalities.volumes.voxels import Voxels, check_voxels, labels_of, placed, reading, volume_of

TO_RAS = {
    "right-anterior-superior": (1, 1, 1), "ras": (1, 1, 1), "left-anterior-superior": (-1, 1, 1), "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1), "lps": (-1, -1, 1),
}  # fmt: skip
IN_SPACE = frozenset({"domain", "space"})
MOST_SKIPPED = 1_000_000  # lines before the data


def read(path: Path) -> Volume:
    """The volume.

    Raises:
        DataError: damaged, of other axes, or with its data in another folder or in several files.
        UsageError: pynrrd is not installed.
    """
    return volume_of(path, _open(path))


def read_labels(path: Path) -> LabelVolume:
    """The label map.

    Raises:
        DataError: as :func:`read`, and for several channels (segments that overlap) or what is no whole number
            from 0.
        UsageError: pynrrd is not installed.
    """
    return labels_of(path, _open(path))


def _open(path: Path) -> Voxels:
    nrrd = extra("nrrd", "NRRD files")
    with reading(path, "NRRD"):
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            _check_data_file(path, header)
            check_voxels(path, [int(side) for side in header["sizes"]], np.dtype(np.int32), path.stat().st_size)
            array = nrrd.read_data(header, file, str(path), index_order="C")
        if array.dtype.kind not in "fiub":
            raise DataError(f"{path} holds {array.dtype}, not numbers; save one number a voxel.")
        directions = _directions(header, array.ndim)
        spatial = _spatial_axes(path, header, directions, array.ndim)
        channels = _channels_first(path, array, spatial)
        if directions is None:
            return Voxels(channels, FileSpace("nrrd", channels.shape[1:], Turn.none(3)), _spacing(header, spatial))
        affine = _affine(path, header, directions[list(spatial)])
        space = str(header.get("space", "")).lower().removesuffix("-time")
        if space in TO_RAS:
            return placed(path, channels, "nrrd", np.diag([*TO_RAS[space], 1.0]) @ affine)
        lengths = tuple(np.linalg.norm(affine[:3, :3], axis=0).tolist())
        note = (
            f"{path} does not say how it lies in a patient (space {space or 'none'}): its axes were taken as they are."
        )
        return Voxels(channels, FileSpace("nrrd", channels.shape[1:], Turn.none(3)), lengths, notes=(note,))


def _check_data_file(path: Path, header: dict[str, Any]) -> None:
    """Raises DataError for data that lie elsewhere, in several files or behind more lines than a file has."""
    name = header.get("data file", header.get("datafile"))
    if name is not None:
        text = str(name)
        if "LIST" in text.split() or "%" in text:
            raise DataError(f"{path} has its data in several files ({text[:60]}); save it as one .nrrd file.")
        if Path(text).name != text or "\\" in text:
            raise DataError(f"{path} has its data in another folder ({text[:60]}); put them beside it.")
        if not is_file(path.with_name(text)):
            raise DataError(f"{path} has its data in {text[:60]}, which is not beside it; copy it there.")
    if not 0 <= int(header.get("line skip", header.get("lineskip", 0))) <= MOST_SKIPPED:
        raise DataError(f"{path} says that its data begin behind more lines than it has; save it again.")


def _directions(header: dict[str, Any], count: int) -> np.ndarray | None:
    """Float64 ``[axes, 3]``, NaN for an axis outside space; None where the file has none in three dimensions."""
    found = header.get("space directions")
    if found is None:
        return None
    rows = [np.full(3, np.nan) if row is None else np.asarray(row, dtype=np.float64) for row in found]
    return np.stack(rows) if len(rows) == count and all(len(row) == 3 for row in rows) else None


def _spatial_axes(path: Path, header: dict[str, Any], directions: np.ndarray | None, count: int) -> tuple[int, ...]:
    """The three axes of the volume, fastest first."""
    kinds = [str(kind).lower() for kind in header.get("kinds") or ()]
    if directions is not None:
        found = [k for k in range(count) if np.isfinite(directions[k]).all()]
    elif len(kinds) == count and any(kind in IN_SPACE for kind in kinds):
        found = [k for k, kind in enumerate(kinds) if kind in IN_SPACE]
    else:
        found = list(range(count))
    if len(found) != 3:
        raise DataError(
            f"{path} has {len(found)} axes in space, of {count}; save a volume of three, and perhaps channels."
        )
    return tuple(found)


def _channels_first(path: Path, array: np.ndarray, spatial: tuple[int, ...]) -> np.ndarray:
    """A view ``[C, K, J, I]`` of ``array``, whose axes are the header's backwards."""
    last = array.ndim - 1
    rest = [last - k for k in range(array.ndim) if k not in spatial]
    if len(rest) > 1:
        raise DataError(f"{path} has {len(rest)} axes of channels; save one.")
    moved = array.transpose(*rest, *(last - k for k in reversed(spatial)))
    return moved if rest else moved[None]


def _affine(path: Path, header: dict[str, Any], directions: np.ndarray) -> np.ndarray:
    """Float64 ``[4, 4]`` from (i, j, k) to millimetres in the file's own space."""
    units = header.get("space units") or ["mm"]
    scales = [millimetres_in(str(unit).strip('"')) for unit in units]
    origin = header.get("space origin")
    affine = np.eye(4)
    affine[:3, :3] = directions.T
    if origin is not None and not np.isnan(origin).all():  # pynrrd's way to say none
        affine[:3, 3] = origin
    affine[:3] *= scales[0] or 1.0
    if len(set(scales)) > 1:
        raise DataError(f"{path} has axes in several units ({', '.join(map(str, units))}); save it in millimetres.")
    return affine


def _spacing(header: dict[str, Any], spatial: tuple[int, ...]) -> tuple[float, ...] | None:
    """Millimetres, x first, of a file that says no directions; None where it does not say them."""
    spacings, units = header.get("spacings"), header.get("units") or ()
    if spacings is None or len(spacings) <= max(spatial):
        return None
    scales = [(millimetres_in(str(units[k]).strip('"')) if len(units) > k else None) or 1.0 for k in spatial]
    found = tuple(float(spacings[k]) * scale for k, scale in zip(spatial, scales))
    return found if np.isfinite(found).all() and min(found) > 0 else None
