"""What a DICOM series is, without loading what reads it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from maskrcnn.files import is_file, is_file_entry, is_folder
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")
MAGIC, MAGIC_AT = b"DICM", 128
OTHERS = frozenset({
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".nii", ".gz", ".csv", ".tsv", ".txt", ".json",
    ".xml", ".npz", ".npy", ".wav", ".flac", ".mp3", ".hea", ".dat", ".edf", ".py", ".md", ".html", ".yaml", ".zip",
    ".safetensors", ".pt", ".pth", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh",
})  # fmt: skip


def is_dicom(path: Path) -> bool:
    """Whether it is a DICOM file or a folder in which one lies."""
    if is_folder(path):
        return bool(files_in(path))
    return may_be_dicom(path.name) and is_dicom_file(path)


def may_be_dicom(name: str) -> bool:
    """Whether a file of this name may be one: any name but that of another format. Scanners write what they like
    behind the last dot, or nothing."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() not in OTHERS  # noqa: PTH122


def is_dicom_file(path: Path) -> bool:
    """Whether a file's suffix or, where that says nothing, the mark at its byte 128 is that of DICOM."""
    if path.suffix.lower() in SUFFIXES:
        return is_file(path)
    try:
        with path.open("rb") as file:
            file.seek(MAGIC_AT)
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def files_in(folder: Path) -> list[Path]:
    """The DICOM files that lie in ``folder`` itself, sorted by name with numbers in their order."""
    names = (entry.name for entry in os.scandir(folder) if may_be_dicom(entry.name) and is_file_entry(entry))
    return [path for path in (folder / name for name in sorted(names, key=_with_numbers)) if is_dicom_file(path)]


def _with_numbers(name: str) -> tuple[Any, ...]:
    """So that ``slice10`` comes after ``slice9``; the parts are numbers and text in turns."""
    return tuple(int(part) if k % 2 else part for k, part in enumerate(re.split(r"(\d+)", name)))


FORMAT = ScanFormat(
    name="DICOM series (a folder, or one of its files)",
    short="DICOM series",
    order=60,
    suffixes=SUFFIXES,
    unlisted=SUFFIXES,
    is_scan=is_dicom,
    in_series=True,
)
