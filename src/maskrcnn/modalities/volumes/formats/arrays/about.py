"""What an array of voxels is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".npz", ".npy")


def is_volume_array(path: Path) -> bool:
    """Whether the file holds numbers of three or four axes; only its header is read."""
    if not path.name.lower().endswith(SUFFIXES) or not is_file(path):
        return False
    from maskrcnn.modalities.volumes.formats.arrays.read import looks_like_volume  # what it holds is for it to see

    return looks_like_volume(path)


FORMAT = ScanFormat(
    name="arrays (.npz, .npy of [Z, Y, X])",
    short="npz, npy",
    order=50,
    suffixes=SUFFIXES,
    is_scan=is_volume_array,
)
