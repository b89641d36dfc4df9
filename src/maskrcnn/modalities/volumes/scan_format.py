"""What a format of scans says of itself, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.modalities.listing import Format, list_formats

FOLDER = "maskrcnn.modalities.volumes.formats"


@dataclass(frozen=True, kw_only=True)
class ScanFormat(Format):
    """A format of scans. Its ``read.py`` has ``read(path)``, which gives a ``Volume``, and ``read_labels(path)``, which
    gives the ``LabelVolume`` of a label map.

    Attributes:
        suffixes: of its files, with their dots, in lower case.
        is_scan: whether a file (of a series of files: a folder) is one; by its name, and where that is not enough by
            its first bytes.
        unlisted: those of ``suffixes`` that are not looked for in folders.
        in_series: whether a scan may be a folder of files. ``read.py`` then has ``series_in(folder)`` too: one path for
            each scan in a folder.
    """

    suffixes: tuple[str, ...]
    is_scan: Callable[[Path], bool]
    unlisted: tuple[str, ...] = ()
    in_series: bool = False


def scan_formats() -> tuple[ScanFormat, ...]:
    """All that there are, in the order in which they are asked."""
    return list_formats(FOLDER, ScanFormat)
