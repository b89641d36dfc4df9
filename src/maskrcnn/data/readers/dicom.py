"""DICOM series: the slices of one scan in a folder, put in order by where they lie, read with pydicom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.data.dicom_slices import Slice, checked_in_order, slices_of
from maskrcnn.data.orientation import turn_to_canonical
from maskrcnn.data.volume import FileSpace, Volume, extra, filled, reason
from maskrcnn.errors import DataError, UsageError

SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
MARK, MARK_AT = b"DICM", 128
HEADER = (
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Rows",
)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM: by its suffix, or, where it has none that says something else, by the mark in it."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return path.is_file()
    if suffix and not suffix[1:].isdigit():
        return False
    try:
        with path.open("rb") as file:
            file.seek(MARK_AT)
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


def series_in(folder: Path) -> list[Path]:
    """What names each series that lies in ``folder`` itself: the folder where there is one series, else a file of each.

    Nothing for a folder without DICOM images.
    """
    files = _dicom_files(folder)
    if not files:
        return []
    groups = _by_series(files)
    return [folder] if len(groups) == 1 else sorted(headers[0].path for headers in groups.values())


def read_dicom(path: Path) -> Volume:
    """A series, turned to RAS+, after its own rescaling; MONOCHROME1 becomes bright on dark.

    Args:
        path: a folder that holds one series, or a file of a series, whose other files lie beside it.

    Raises:
        DataError: a mixed folder, a missing slice, slices that do not fit together, or one that cannot be read.
        UsageError: pydicom is not installed.
    """
    pydicom = extra("pydicom", "DICOM series")
    slices: list[Slice] = []
    for file in _files_of_series(path):
        try:
            slices += slices_of(pydicom.dcmread(file), file)
        except DataError:
            raise
        except Exception as error:  # pydicom meets broken files with errors of every kind
            raise DataError(f"{file} cannot be read ({reason(error)}); export or copy it again.") from error
    ordered = checked_in_order(slices, path)
    voxels = np.stack([one.values for one in ordered])
    if ordered[0].inverted:
        voxels = voxels.max() + voxels.min() - voxels
    affine = LPS_TO_RAS @ _affine(ordered)
    turn, turned, spacing = turn_to_canonical(affine, voxels.shape, path)
    samples, notes = filled(np.ascontiguousarray(turn.apply(voxels))[None], path)
    space = FileSpace("dicom", tuple(voxels.shape), turn, affine)
    return Volume(torch.from_numpy(samples), spacing, turned, space, ("",), notes)


def _affine(ordered: Sequence[Slice]) -> np.ndarray:
    """``[4, 4]`` from (column, row, slice) to the patient's left, back and head (LPS+) in millimetres.

    DICOM PS3.3, C.7.6.2.1.1: the first direction is that of rising columns, PixelSpacing is (rows, columns) apart.
    """
    first, last = ordered[0], ordered[-1]
    affine = np.eye(4)
    affine[:3, 0] = first.across * first.pixel_spacing[1]
    affine[:3, 1] = first.down * first.pixel_spacing[0]
    step = (last.position - first.position) / max(len(ordered) - 1, 1)
    affine[:3, 2] = step if len(ordered) > 1 else first.normal * first.thickness
    affine[:3, 3] = first.position
    return affine


@dataclass(frozen=True)
class _Header:
    path: Path
    series: str
    name: str


def _dicom_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and is_dicom(path)]


def _files_of_series(path: Path) -> list[Path]:
    """The files of the series that ``path`` names."""
    folder = path if path.is_dir() else path.parent
    groups = _by_series(_dicom_files(folder))
    if not path.is_dir():
        own = next((headers for headers in groups.values() if any(h.path == path for h in headers)), None)
        if own is None:
            raise DataError(f"{path} is no DICOM image that can be read; export it again.")
        return [header.path for header in own]
    if not groups:
        raise DataError(f"{path} holds no DICOM images.")
    if len(groups) > 1:
        named = [f"{headers[0].path.name} ({headers[0].name}, {len(headers)} files)" for headers in groups.values()]
        raise DataError(
            f"{path} holds {len(groups)} series; name one file of the one that is meant: {', '.join(named[:6])}."
        )
    return [header.path for header in next(iter(groups.values()))]


def _by_series(files: Iterable[Path]) -> dict[str, list[_Header]]:
    """Headers of images by series; reports, directories and what cannot be read are passed over, unless by its suffix
    it should be an image."""
    pydicom = extra("pydicom", "DICOM series")
    groups: dict[str, list[_Header]] = defaultdict(list)
    for file in files:
        try:
            header: Any = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(HEADER))
        except UsageError:
            raise
        except Exception as error:  # pydicom meets broken files with errors of every kind
            raise DataError(f"{file} cannot be read ({reason(error)}); export or copy it again.") from error
        if "Rows" not in header:
            continue
        words = f"series {header.get('SeriesNumber', '?')} {header.get('SeriesDescription', '')}".strip()
        series = str(header.get("SeriesInstanceUID", ""))
        groups[series].append(_Header(file, series, words))
    return dict(groups)
