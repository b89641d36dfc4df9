"""Label volumes, and pieces of scans, in the space of the file that they belong to, so that they overlay it.

What a reader turned is turned back, and the file's own affine is written: NIfTI for scans that were NIfTI, DICOM, NRRD
or MetaImage, else TIFF or arrays. The same voxels give the same bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.files import atomic_write
from maskrcnn.modalities.volumes.volume import FileSpace, Turn, extra

FORMS = ("sform", "qform")  # NIfTI's two ways to say where voxels lie, which viewers choose from
SCANNER = 1  # NIfTI's code for coordinates of the scanner
COMPRESSION = 6  # of gzip
MOST_IMAGEJ = (1 << 32) - (1 << 25)  # bytes of a file without 64-bit positions, less what its header may need


def write_voxels(path: Path, voxels: np.ndarray, space: FileSpace, spacing: Sequence[float] | None) -> Path:
    """Write voxels whole or not at all.

    Args:
        path: without a suffix.
        voxels: ``[Z, Y, X]`` or ``[C, Z, Y, X]``, in the axes of ``Volume.samples``; unsigned
            integers or float32. Nothing is copied where they are a view of an array in the file's own order, see
            :func:`blank`.
        space: of the scan, or of a piece of it, see :func:`piece_of`. Its header may hold what NIfTI files say of
            place (``sform``, ``qform``, their codes, ``unit``, ``unit_mm`` and ``zooms``), which is written back.
        spacing: millimetres from voxel to voxel, x first; None: not known.

    Returns:
        The path with the suffix of what was written: ``.nii.gz``, ``.tif``, ``.npz`` or ``.npy``.

    Raises:
        UsageError: the package that writes it is not installed.
    """
    suffix, write = CONTAINERS[space.container]
    path = path.with_name(f"{path.name}{suffix}")
    own_spacing = None if spacing is None else _turned_back(spacing, space.turn)
    with atomic_write(path) as beside:
        write(beside, space.turn.undo(voxels), space, own_spacing)
    return path


def number_type(largest: int) -> np.dtype:
    """The smallest unsigned type that holds ``largest``."""
    return np.dtype(np.uint8 if largest < 1 << 8 else np.uint16 if largest < 1 << 16 else np.uint32)


def blank(space: FileSpace, dtype: np.dtype) -> np.ndarray:
    """Zeros ``[Z, Y, X]`` in the axes of the samples: a view of an array in the order in which the file has them."""
    return space.turn.apply(np.zeros(space.spatial_shape, dtype))


def piece_of(space: FileSpace, where: Sequence[slice], spatial_shape: Sequence[int]) -> FileSpace:
    """The space of the voxels ``where`` (with start and stop, tensor order) of samples of
    ``spatial_shape``.

    Args:
        space: of the whole file.
        where: the piece, in the axes of the samples.
        spatial_shape: of the samples, tensor order.

    Returns:
        The space of the piece: its shape, and its affines moved to where it begins.
    """
    corners = [part.start for part in reversed(where)] + [part.stop for part in reversed(where)]
    low, high = np.split(space.turn.undo_boxes(np.array([corners]), spatial_shape)[0], 2)
    shape = tuple(int(side) for side in (high - low)[::-1])
    affine = None if space.affine is None else space.affine.copy()
    if affine is not None:
        affine[:3, 3] += affine[:3, :3] @ low
    header = dict(space.header)
    for name in (name for name in FORMS if header.get(name) is not None):
        moved = np.array(header[name], dtype=np.float64)
        moved[:3, 3] += moved[:3, :3] @ low
        header[name] = moved
    if not (header.get("sform_code") or header.get("qform_code")):  # each viewer places such a file by its middle
        header = {name: value for name, value in header.items() if name not in ("sform_code", "qform_code")}
    return replace(space, spatial_shape=shape, affine=affine, header=header)


def _turned_back(spacing: Sequence[float], turn: Turn) -> tuple[float, ...]:
    """The spacing along the file's own axes, x first."""
    return tuple(float(spacing[::-1][int(axis)]) for axis in np.argsort(turn.axes)[::-1])


def _write_nifti(path: Path, voxels: np.ndarray, space: FileSpace, spacing: Sequence[float] | None) -> None:
    nibabel = extra("nibabel", "and write NIfTI files")
    own = space.header
    affine = np.diag([*(spacing or (1.0, 1.0, 1.0)), 1.0]) if space.affine is None else space.affine
    affine = np.diag([1 / own.get("unit_mm", 1.0)] * 3 + [1.0]) @ affine  # in the scan's own unit
    sform, qform = (affine if own.get(name) is None else own[name] for name in FORMS)
    header = nibabel.Nifti1Header()
    header.set_data_shape(voxels.T.shape)
    header.set_data_dtype(voxels.dtype)
    header.set_xyzt_units(own.get("unit", "mm"))
    codes = [int(own.get(f"{name}_code", 0)) for name in FORMS]
    if space.affine is not None and not any(codes):  # it lies somewhere, and came from no NIfTI file
        codes = [SCANNER, SCANNER if _is_rigid(affine) else 0]
    header.set_qform(qform, codes[1])
    header.set_sform(sform, codes[0])
    if "zooms" in own:  # as they are in the scan, not as the form rounds them
        header.set_zooms((*own["zooms"], *header.get_zooms()[3:]))
    image = nibabel.Nifti1Image(voxels.T, None, header)  # with an affine it would choose codes of its own
    with path.open("wb") as file, gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
        image.to_stream(packed)


def _is_rigid(affine: np.ndarray) -> bool:
    """Whether the axes are at right angles, so that a quaternion and a spacing say it all."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.allclose(axes.T @ axes, np.eye(3), atol=1e-5))


def _write_tiff(path: Path, voxels: np.ndarray, space: FileSpace, spacing: Sequence[float] | None) -> None:
    """ImageJ's own kind where it knows the type, with the voxel's size in microns; it has no 32-bit integers."""
    tifffile = extra("tifffile", "and write TIFF stacks")
    channels = voxels.shape[:-3]
    options: dict[str, Any] = {"compression": "zlib", "photometric": "minisblack"}
    metadata: dict[str, Any] = {"axes": "ZCYX" if channels else "ZYX"}
    imagej = voxels.dtype != np.uint32 and voxels.nbytes < MOST_IMAGEJ
    if imagej and spacing is not None:
        metadata |= {"unit": "micron", "spacing": spacing[2] * 1e3}
        options["resolution"] = (1e-3 / spacing[0], 1e-3 / spacing[1])
    pages = np.moveaxis(voxels, 0, 1) if channels else voxels
    tifffile.imwrite(path, pages, imagej=imagej, metadata=metadata, **options)


def _write_npz(path: Path, voxels: np.ndarray, space: FileSpace, spacing: Sequence[float] | None) -> None:
    arrays: dict[str, Any] = {"volume" if voxels.dtype.kind == "f" else "labels": voxels}
    if spacing is not None:
        arrays["spacing"] = np.array(spacing)
    if space.affine is not None:
        arrays["affine"] = space.affine
    np.savez_compressed(path, **arrays)


def _write_npy(path: Path, voxels: np.ndarray, space: FileSpace, spacing: Sequence[float] | None) -> None:
    np.save(path, np.ascontiguousarray(voxels), allow_pickle=False)


Write = Callable[[Path, np.ndarray, FileSpace, Sequence[float] | None], None]
CONTAINERS: dict[str, tuple[str, Write]] = {
    "nifti": (".nii.gz", _write_nifti),
    "dicom": (".nii.gz", _write_nifti),
    "nrrd": (".nii.gz", _write_nifti),
    "metaimage": (".nii.gz", _write_nifti),
    "tiff": (".tif", _write_tiff),
    "npz": (".npz", _write_npz),
    "npy": (".npy", _write_npy),
}
