"""What NRRD is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".nrrd", ".nhdr")
# Which way the axes of a space run, turned to right, front, head; None: nobody says where the patient is.


def is_nrrd(path: Path) -> bool:
    """Whether the file's name is that of a NRRD."""
    return path.name.lower().endswith(SUFFIXES) and is_file(path)


FORMAT = ScanFormat(
    name="NRRD (.nrrd, .nhdr)",
    short="NRRD",
    order=20,
    suffixes=SUFFIXES,
    is_scan=is_nrrd,
)
