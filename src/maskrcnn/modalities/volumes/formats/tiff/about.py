"""What a TIFF stack is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.formats.tiff.pages import has_several_pages
from maskrcnn.modalities.volumes.scan_format import ScanFormat

SUFFIXES = (".tif", ".tiff")


def is_tiff_stack(path: Path) -> bool:
    """Whether the file is a TIFF of more than one page; one page is a picture, whatever its resolution levels."""
    if not path.name.lower().endswith(SUFFIXES) or not is_file(path):
        return False
    try:
        return has_several_pages(path)
    except (OSError, ValueError):
        return False


FORMAT = ScanFormat(
    name="TIFF stacks (.tif of several pages)",
    short="TIFF stacks",
    order=40,
    suffixes=SUFFIXES,
    is_scan=is_tiff_stack,
)
