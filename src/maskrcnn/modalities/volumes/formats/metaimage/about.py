"""What MetaImage is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".mha", ".mhd")


def is_metaimage(path: Path) -> bool:
    """Whether the file's name is that of a MetaImage."""
    return path.name.lower().endswith(SUFFIXES) and is_file(path)


FORMAT = ScanFormat(
    name="MetaImage (.mha, .mhd)",
    short="MetaImage",
    order=30,
    suffixes=SUFFIXES,
    is_scan=is_metaimage,
)
