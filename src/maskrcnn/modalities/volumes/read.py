"""Reads a scan, or the numbers of a label map, in whichever known format it is."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.parsing.unsupported import how_to_export
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder, why_missing
from maskrcnn.modalities.volumes.find import is_volume
from maskrcnn.modalities.volumes.scan_format import ScanFormat, scan_formats
from maskrcnn.modalities.volumes.volume import LabelVolume, Volume


def read_volume(path: str | Path) -> Volume:
    """The scan or stack of a file or, of a DICOM series, of its folder or one of its files.

    Raises:
        DataError: no such file, no volume, or one that is damaged.
        UsageError: the package that reads it is not installed.
    """
    volume: Volume = _format_of(path).load("read", "read")(Path(path))
    return volume


def read_label_volume(path: str | Path) -> LabelVolume:
    """The numbers of a label map, turned as :func:`read_volume` turns the scan that it belongs to.

    Raises:
        DataError: as :func:`read_volume`, and for what is no whole number from 0.
        UsageError: the package that reads it is not installed.
    """
    labels: LabelVolume = _format_of(path).load("read", "read_labels")(Path(path))
    return labels


def _format_of(path: str | Path) -> ScanFormat:
    """Whose file it is. Raises DataError where it is nobody's."""
    path = Path(path)
    if not exists(path):
        raise DataError(why_missing(path))
    known = next((one for one in scan_formats() if one.is_scan(path)), None)
    if known is None:  # it does not look like one, so reading it tells why
        known = next((one for one in scan_formats() if path.name.lower().endswith(one.suffixes)), None)
    if known is None or is_folder(path) and not is_volume(path):
        told = how_to_export(path) if is_file(path) else ""
        raise DataError(
            f"{path} {told}" if told else f"{path} is no volume that can be read; known are {known_scans()}."
        )
    return known


def known_scans() -> str:
    """The names of all formats, for a sentence."""
    *others, last = (known.name for known in scan_formats())
    return f"{', '.join(others)} and {last}"
