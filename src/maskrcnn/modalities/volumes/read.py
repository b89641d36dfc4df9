"""Volumes in whichever known format: which files are some, and reading one or its labels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from maskrcnn.data.parsing.unsupported import how_to_export
from maskrcnn.errors import DataError
from maskrcnn.files import broken_links, exists, is_file, is_folder, resolved, why_missing
from maskrcnn.modalities.volumes.formats.arrays import read as volume_arrays
from maskrcnn.modalities.volumes.formats.dicom import read as dicom
from maskrcnn.modalities.volumes.formats.dicom.read import series_in
from maskrcnn.modalities.volumes.formats.metaimage import read as metaimage
from maskrcnn.modalities.volumes.formats.nifti import read as nifti
from maskrcnn.modalities.volumes.formats.nrrd import read as nrrd_volumes
from maskrcnn.modalities.volumes.formats.tiff import read as tiff_stacks
from maskrcnn.modalities.volumes.volume import LabelVolume, Volume

__all__ = [
    "LabelVolume", "Volume", "find_volumes", "is_volume", "read_label_volume", "read_volume", "series_in",
]  # fmt: skip


def read_volume(path: str | Path) -> Volume:
    """The scan or stack of a file or, of a DICOM series, of its folder or one of its files.

    Raises:
        DataError: no such file, no volume, or one that is damaged.
        UsageError: the package that reads it is not installed.
    """
    return READERS[_kind(path)][1](Path(path))


def read_label_volume(path: str | Path) -> LabelVolume:
    """The numbers of a label map, turned as :func:`read_volume` turns the scan that it belongs to.

    Raises:
        DataError: as :func:`read_volume`, and for what is no whole number from 0.
        UsageError: the package that reads it is not installed.
    """
    return READERS[_kind(path)][2](Path(path))


def is_volume(path: str | Path) -> bool:
    """Whether it is a volume: by its name, and where that is not enough by the first bytes of the file. A folder is one
    where a DICOM file lies in it."""
    return any(is_kind(Path(path)) for is_kind, *_ in READERS)


def find_volumes(paths: str | Path | Iterable[str | Path], exclude: str | Path | None = None) -> list[Path]:
    """The volumes that ``paths`` name: files as they are, folders walked in sorted order with their subfolders.

    A DICOM series appears once: as its folder, or as its first file where a folder holds several. Hidden files and
    folders are passed over.

    Args:
        paths: a file or a folder, or several.
        exclude: a folder that is never read, such as the one the results are written to.

    Raises:
        DataError: for a path that does not exist.
        UsageError: for a DICOM file where pydicom is not installed.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    excluded = None if exclude is None else resolved(Path(exclude))
    found: dict[Path, None] = {}
    for path in map(Path, named):
        if is_folder(path):
            found.update(dict.fromkeys(_walk(path, excluded)))
        elif exists(path):
            found[path] = None
        else:
            raise DataError(f"{path} does not exist; name a volume or a folder of volumes.")
    return list(found)


def volumes_in(folder: Path) -> list[Path]:
    """The volumes that lie in ``folder`` itself, in sorted order; DICOM series as :func:`find_volumes` says."""
    names = (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(VOLUME_SUFFIXES))
    files = [folder / name for name in names if not name.startswith(".")]
    found = [path for path in files if any(is_kind(path) for is_kind, *_ in SINGLE_FILES)]
    return sorted([*found, *series_in(folder)])


def _walk(folder: Path, excluded: Path | None) -> Iterable[Path]:
    """The volumes in ``folder``, each folder's own before those of its subfolders."""
    if excluded is not None and resolved(folder) == excluded:
        return
    yield from volumes_in(folder)
    yield from broken_links(folder, VOLUME_SUFFIXES)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _walk(Path(entry.path), excluded)


def _kind(path: str | Path) -> int:
    """Whose file it is: the place in ``READERS``."""
    path = Path(path)
    if not exists(path):
        raise DataError(why_missing(path))
    kind = next((k for k, (is_kind, *_) in enumerate(READERS) if is_kind(path)), None)
    if kind is None:  # it does not look like one, so reading it tells why
        kind = next((k for k, suffixes in enumerate(SUFFIXES) if path.name.lower().endswith(suffixes)), None)
    if kind is None or is_folder(path) and not is_volume(path):
        told = how_to_export(path) if is_file(path) else ""
        raise DataError(f"{path} {told}" if told else f"{path} is no volume that can be read; known are {KNOWN}.")
    return kind


SINGLE_FILES = (  # whose file it is, who reads it, who reads it as labels
    (nifti.is_nifti, nifti.read_nifti, nifti.read_nifti_labels),
    (nrrd_volumes.is_nrrd, nrrd_volumes.read_nrrd, nrrd_volumes.read_nrrd_labels),
    (metaimage.is_metaimage, metaimage.read_metaimage, metaimage.read_metaimage_labels),
    (tiff_stacks.is_tiff_stack, tiff_stacks.read_tiff_stack, tiff_stacks.read_tiff_stack_labels),
    (volume_arrays.is_volume_array, volume_arrays.read_volume_array, volume_arrays.read_volume_array_labels),
)
READERS = (*SINGLE_FILES, (dicom.is_dicom, dicom.read_dicom, dicom.read_dicom_labels))
SUFFIXES = (
    nifti.SUFFIXES,
    nrrd_volumes.SUFFIXES,
    metaimage.SUFFIXES,
    tiff_stacks.SUFFIXES,
    volume_arrays.SUFFIXES,
    dicom.SUFFIXES,
)
VOLUME_SUFFIXES = (
    ".nii", ".nii.gz", ".mgz", ".mgh", ".hdr", *nrrd_volumes.SUFFIXES, *metaimage.SUFFIXES, *tiff_stacks.SUFFIXES,
    *volume_arrays.SUFFIXES,
)  # fmt: skip
KNOWN = (
    "NIfTI (.nii, .nii.gz), DICOM series (a folder, or one of its files), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd), "
    "TIFF stacks (.tif of several pages) and arrays (.npz, .npy of [Z, Y, X])"
)
