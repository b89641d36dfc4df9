"""What NIfTI is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".nii", ".nii.gz", ".mgz", ".mgh", ".hdr", ".img")
PAIRS = {".hdr": ".img", ".img": ".hdr"}  # either alone is something else


def is_nifti(path: Path) -> bool:
    """Whether the file's name is that of a NIfTI or FreeSurfer volume; of a pair both files must be there."""
    if not path.name.lower().endswith(SUFFIXES) or not is_file(path):
        return False
    other = PAIRS.get(path.suffix.lower())
    return other is None or is_file(path.with_suffix(other))


FORMAT = ScanFormat(
    name="NIfTI (.nii, .nii.gz)",
    short="NIfTI",
    order=10,
    suffixes=SUFFIXES,
    unlisted=(".img",),
    is_scan=is_nifti,
)
