"""NIfTI (.nii, .nii.gz, .hdr with .img) and FreeSurfer's .mgz: voxels, where they lie, and what a writer must repeat.

The sform says where voxels lie, else the qform; where a file has neither, its axes are taken as they are. A fourth
axis holds channels.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.parsing.gzip_files import is_packed, open_bytes
from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.nifti.about import PAIRS
from maskrcnn.modalities.volumes.orientation import turn_to_canonical
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Turn, Volume, extra
from maskrcnn.modalities.volumes.voxels import Voxels, check_voxels, labels_of, reading, volume_of

PACKED, FREESURFER = (".gz", ".mgz"), (".mgz", ".mgh")
NIFTI2_SIZES = (540, int.from_bytes((540).to_bytes(4, "big"), "little"))  # of its header, in either byte order
MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def read(path: Path) -> Volume:
    """The volume, with the file's slope and intercept applied and lengths in millimetres.

    ``space.header`` has what a label map needs to lie in the same place for every viewer: ``sform`` and ``qform``
    (float64 ``[4, 4]`` in the file's own unit, None where its code is 0), ``sform_code``, ``qform_code``, ``unit``
    (nibabel's name of it), ``unit_mm`` and ``zooms`` (of i, j, k in that unit).

    Raises:
        DataError: cut off or damaged, no valid affine, more than four axes, no voxels, not one finite number.
        UsageError: nibabel is not installed.
    """
    return volume_of(path, _open(path))


def read_labels(path: Path) -> LabelVolume:
    """The label map, turned as :func:`read` turns its scan.

    Raises:
        DataError: as :func:`read`, and for several channels or what is no whole number from 0.
        UsageError: nibabel is not installed.
    """
    return labels_of(path, _open(path))


def _open(path: Path) -> Voxels:
    with reading(path, "NIfTI"):
        image = _load(path)
        _check_held(path, image)
        check_voxels(path, image.shape, image.get_data_dtype(), lambda: _packed(path))
        raw = np.asarray(image.dataobj.get_unscaled())
        scale = (float(image.dataobj.slope), float(image.dataobj.inter))
        header, notes = _header(image), []
        channels, names = _channels(path, raw)
        if 0 in channels[0].shape:
            return Voxels(channels, FileSpace("nifti", channels[0].shape, Turn.none(3)))
        affine, spacing, turn = _affine(image, header["unit_mm"]), None, Turn.none(3)
        shape = channels[0].shape
        turned_affine = None
        if affine is None:
            zooms = tuple(float(zoom) * header["unit_mm"] for zoom in header["zooms"])
            spacing = zooms if np.isfinite(zooms).all() and min(zooms) > 0 else None
            notes.append(f"{path} does not say how it lies (no sform, no qform): its axes were taken as they are.")
        else:
            turn, turned_affine, spacing = turn_to_canonical(affine, shape, path)
    space = FileSpace("nifti", shape, turn, affine, header)
    turned = [turn.apply(channel) for channel in channels]
    return Voxels(turned, space, spacing, turned_affine, scale, names, tuple(notes))


def _packed(path: Path) -> int:
    """Bytes of the file, or of the two of a pair."""
    other = PAIRS.get(path.suffix.lower())
    return sum(part.stat().st_size for part in (path, *([path.with_suffix(other)] if other else [])))


def _load(path: Path) -> Any:
    """The image as nibabel has it, packed or not, whatever its suffix says of that."""
    nibabel = extra("nibabel", "NIfTI files")
    packed = is_packed(path)
    if packed == path.name.lower().endswith(PACKED) or path.suffix.lower() in PAIRS:
        image = nibabel.load(path)
    else:
        stream = open_bytes(path)
        size = int.from_bytes(stream.read(4), sys.byteorder)
        stream.seek(0)
        kind = nibabel.Nifti2Image if size in NIFTI2_SIZES else nibabel.Nifti1Image
        kind = nibabel.MGHImage if path.suffix.lower() in FREESURFER else kind
        image = kind.from_file_map({"image": nibabel.FileHolder(fileobj=stream)})
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise DataError(
            f"{path} holds values on the surface of a brain (CIFTI), no volume; export its voxels as NIfTI, such as "
            "with wb_command -cifti-separate."
        )
    return image


def _check_held(path: Path, image: Any) -> None:
    """Raises DataError where a file that is not packed is shorter than its header says, before room is made for it."""
    held = path.with_suffix(".img") if path.suffix.lower() in PAIRS else path
    if is_packed(held):
        return
    proxy = image.dataobj
    needed = proxy.offset + math.prod(proxy.shape) * proxy.dtype.itemsize
    if needed > held.stat().st_size:
        raise DataError(
            f"{path} cannot be read as NIfTI: its header says {needed} bytes and it holds {held.stat().st_size}; it is "
            "cut off or damaged: copy or download it again."
        )


def _channels(path: Path, raw: np.ndarray) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Views ``[K, J, I]`` of the file's ``[i, j, k, ...]``, and their names (of colours only)."""
    if raw.dtype.names:
        colours = tuple(raw.dtype.names)
        if raw.ndim > 3 and max(raw.shape[3:]) > 1:
            raise DataError(f"{path} holds several coloured volumes; save one of them.")
        return [_three(path, raw[name], ()).T for name in colours], colours
    more = [size for size in raw.shape[3:] if size != 1]
    if len(more) > 1:
        raise DataError(
            f"{path} has {raw.ndim} axes ({' x '.join(map(str, raw.shape))}); save one volume, or channels along a "
            "fourth axis."
        )
    stacked = _three(path, raw, more)
    return [stacked[..., c].T for c in range(more[0])] if more else [stacked.T], ()


def _three(path: Path, raw: np.ndarray, more: Sequence[int]) -> np.ndarray:
    """``[i, j, k, *more]``: a picture is a volume of one slice."""
    if raw.ndim < 2:
        raise DataError(f"{path} holds a row of numbers, no volume.")
    spatial = (*raw.shape[:3], 1)[:3]
    return raw.reshape((*spatial, *more), order="F")


def _header(image: Any) -> dict[str, Any]:
    header = image.header
    unit = header.get_xyzt_units()[0] if hasattr(header, "get_xyzt_units") else "mm"
    zooms = (*(abs(float(zoom)) for zoom in header.get_zooms()[:3]), 1.0, 1.0)[:3]
    found = {"unit": unit, "unit_mm": MILLIMETRES[unit], "zooms": zooms, "sform_code": 0, "qform_code": 0}
    found.update(sform=None, qform=None)
    for form in ("sform", "qform"):
        if hasattr(image, f"get_{form}"):
            matrix, code = getattr(image, f"get_{form}")(coded=True)
            found[form], found[f"{form}_code"] = (None, 0) if matrix is None else (matrix, int(code))
    return found


def _affine(image: Any, unit_mm: float) -> np.ndarray | None:
    """In millimetres; None where the file has none of its own."""
    header = image.header
    placed = (
        int(header["sform_code"]) or int(header["qform_code"]) if "sform_code" in header else "goodRASFlag" in header
    )
    if not placed:
        return None
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= unit_mm
    return affine
