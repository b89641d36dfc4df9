"""Which files are scans, and where they lie. Loads nothing that reads one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from maskrcnn.data.parsing.paths import walk_files
from maskrcnn.errors import DataError
from maskrcnn.files import broken_links, exists, is_folder
from maskrcnn.modalities.volumes.scan_format import scan_formats


def is_volume(path: str | Path) -> bool:
    """Whether it is a volume: by its name, and where that is not enough by the first bytes of the file. A folder is one
    where a DICOM file lies in it."""
    return any(known.is_scan(Path(path)) for known in scan_formats())


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
    return walk_files(paths, _volumes_and_links, _volume_named, exclude)


def volumes_in(folder: Path) -> list[Path]:
    """The volumes that lie in ``folder`` itself, in sorted order; DICOM series as :func:`find_volumes` says."""
    looked_for = listed_suffixes()
    names = (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(looked_for))
    files = [folder / name for name in names if not name.startswith(".")]
    found = [path for path in files if any(known.is_scan(path) for known in scan_formats() if not known.in_series)]
    return sorted([*found, *series_in(folder)])


def _volume_named(path: Path) -> Path:
    if not exists(path):
        raise DataError(f"{path} does not exist; name a volume or a folder of volumes.")
    return path


def _volumes_and_links(folder: Path) -> list[Path]:
    return [*volumes_in(folder), *broken_links(folder, listed_suffixes())]


def series_in(folder: Path) -> list[Path]:
    """One path for each scan in ``folder`` that is a series of files."""
    found: list[Path] = []
    for known in scan_formats():
        if known.in_series and known.is_scan(folder):
            found += known.load("read", "series_in")(folder)
    return found


def listed_suffixes() -> tuple[str, ...]:
    """Of the files that are looked for in folders."""
    return tuple(end for known in scan_formats() for end in known.suffixes if end not in known.unlisted)


def stem_of(path: Path) -> str:
    """The name without its suffixes: ``scan`` of ``scan.nii.gz`` and of ``scan.ome.tif``."""
    name = path.name
    for suffix in (".nii.gz", ".ome.tiff", ".ome.tif", ".seg.nrrd"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem if path.suffix and not is_folder(path) else name
