"""Volumes in whichever known format: which files and folders are some, and reading one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from maskrcnn.data.readers import dicom, nifti, tiff_stacks, volume_arrays
from maskrcnn.data.readers.dicom import series_in
from maskrcnn.data.volume import LabelVolume, Volume
from maskrcnn.errors import DataError

__all__ = ["find_volumes", "is_volume", "read_label_volume", "read_volume", "series_in"]

READERS = (  # whose file it is, who reads it
    (nifti.is_nifti, nifti.read_nifti),
    (tiff_stacks.is_tiff_stack, tiff_stacks.read_tiff_stack),
    (volume_arrays.is_volume_array, volume_arrays.read_volume_array),
    (dicom.is_dicom, dicom.read_dicom),
)
ONLY_READERS = {  # where the suffix leaves no doubt, reading it tells what is wrong
    ".npz": volume_arrays.read_volume_array,
    ".npy": volume_arrays.read_volume_array,
    ".tif": tiff_stacks.read_tiff_stack,
    ".tiff": tiff_stacks.read_tiff_stack,
}
KNOWN = "NIfTI (.nii, .nii.gz), DICOM series, TIFF stacks (.tif) and arrays (.npz, .npy)"
LARGEST_NUMBER = 1 << 24  # that single precision holds exactly


def read_volume(path: str | Path) -> Volume:
    """A scan; what kind it is, its name says, and of a folder that it holds a DICOM series.

    Raises:
        DataError: no such file, no volume, or one that is damaged.
        UsageError: the package that reads it is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; check the name.")
    if path.is_dir():
        return dicom.read_dicom(path)
    for is_kind, read in READERS:
        if is_kind(path):
            return read(path)
    if path.suffix.lower() in ONLY_READERS:
        return ONLY_READERS[path.suffix.lower()](path)
    raise DataError(f"{path} is no volume that can be read; known are {KNOWN}.")


def read_label_volume(path: str | Path) -> LabelVolume:
    """The numbers in a label volume, turned as its scan is.

    Raises:
        DataError: as :func:`read_volume`, and for anything but whole numbers from 0 on.
    """
    volume = read_volume(path)
    values = volume.samples.numpy()
    if len(values) > 1:
        raise DataError(f"{path} has {len(values)} channels; labels are one whole number a voxel.")
    low, high = float(values.min()), float(values.max())
    numbers = values[0].astype(np.uint32) if low >= 0 and high < LARGEST_NUMBER else None
    if numbers is None or volume.notes or not np.array_equal(numbers, values[0]):
        raise DataError(
            f"{path} holds other values than whole numbers from 0 on ({low:g} to {high:g}), so it is no label volume; "
            "write the number of an object or a class for each voxel."
        )
    return LabelVolume(numbers, volume.affine, volume.spacing)


def is_volume(path: str | Path) -> bool:
    """Whether a file is a volume, or a slice of a DICOM series."""
    return any(is_kind(Path(path)) for is_kind, _ in READERS)


def find_volumes(paths: str | Path | Iterable[str | Path], exclude: str | Path | None = None) -> list[Path]:
    """The scans that ``paths`` name: files as they are, folders walked in sorted order with their subfolders.

    A DICOM series appears once: as its folder, or, where that holds several, as one of its files.

    Args:
        paths: a file or a folder; or several.
        exclude: a folder that is never read, such as the one the results are written to.

    Raises:
        DataError: for a path that does not exist.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    excluded = None if exclude is None else Path(exclude).resolve()
    found: dict[Path, None] = {}
    for path in map(Path, named):
        if not path.exists():
            raise DataError(f"{path} does not exist; name a scan or a folder of scans.")
        found.update(dict.fromkeys(_walk(path, excluded) if path.is_dir() else [path]))
    return list(found)


def _walk(folder: Path, excluded: Path | None) -> Iterable[Path]:
    """The scans in ``folder``, each folder's own before those of its subfolders."""
    if excluded is not None and folder.resolve() == excluded:
        return
    entries = sorted((e for e in os.scandir(folder) if not e.name.startswith(".")), key=lambda entry: entry.name)
    files = [Path(entry.path) for entry in entries if entry.is_file()]
    if any(map(dicom.is_dicom, files)):
        try:
            yield from series_in(folder)
        except DataError:  # it is named when it is read
            yield folder
    yield from (path for path in files if not dicom.is_dicom(path) and is_volume(path))
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), excluded)
