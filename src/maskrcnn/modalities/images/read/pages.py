"""Pages of PDF and TIFF files as pictures: page 3 of ``paper.pdf`` is the path ``paper.pdf#3``."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, reason
from maskrcnn.files import exists, is_file
from maskrcnn.modalities.images.read.find import PDF

TIFF = (".tif", ".tiff")
DPI, POINTS = 150, 72  # pixels of a page, and the unit of its size, in an inch
SUBFILE, REDUCED = 254, 1  # a TIFF tag, and its bit of pages that repeat another one smaller
PDFIUM = threading.Lock()  # which it asks for
PAGE = re.compile(r"(.+\.(?:pdf|tiff?))#(\d+)", re.IGNORECASE | re.DOTALL)
BYTES_A_PIXEL = 12


def page_of(path: str | Path) -> tuple[Path, int]:
    """The file of a page and its number from 1; of other paths the path and 0."""
    found = PAGE.fullmatch(str(path))
    if found is None or exists(path):
        return Path(path), 0
    return Path(found[1]), int(found[2])


def stem_of_page(path: str | Path) -> str:
    """What results of a picture are called: ``paper_page3`` of ``paper.pdf#3``, else the file's name without suffix."""
    file, number = page_of(path)
    return f"{file.stem}_page{number}" if number else file.stem


def list_pages(path: Path) -> list[Path]:
    """The pages of a PDF or of a TIFF of several, else the path itself, as for a file that cannot be opened."""
    suffix = path.suffix.lower()
    if suffix not in (PDF, *TIFF) or not is_file(path):
        return [path]
    try:
        count = count_pdf_pages(path) if suffix == PDF else 0
        numbers = list(range(1, count + 1)) if suffix == PDF else _tiff_pages(path)
    except Exception:  # reading it will say what is wrong
        return [path]
    return [Path(f"{path}#{number}") for number in numbers] if len(numbers) > 1 else [path]


def count_pdf_pages(path: Path) -> int:
    """How many pages a PDF has. Raises DataError where it cannot be opened."""
    with PDFIUM:
        document = _open_pdf(path)
        try:
            return len(document)
        finally:
            document.close()


def read_pdf_page(path: Path, number: int) -> np.ndarray:
    """A page as it is printed.

    Args:
        path: of the PDF.
        number: of the page, from 1.

    Returns:
        uint8 ``[H, W, 3]`` at 150 pixels an inch.

    Raises:
        DataError: there is no such page, it would be too large, or it cannot be drawn.
    """
    with PDFIUM:
        document = _open_pdf(path)
        try:
            if not 1 <= number <= len(document):
                raise DataError(f"{path} has {len(document)} pages, and no page {number}.")
            page = document[number - 1]
            scale = DPI / POINTS
            width, height = (side * scale for side in page.get_size())
            check_size(f"{path}#{number}", round(width * height), "pixels", BYTES_A_PIXEL, round(width * height))
            return np.array(page.render(scale=scale).to_pil().convert("RGB"))
        finally:
            document.close()


def _open_pdf(path: Path) -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise DataError(f"{path} is a PDF, for whose pages pypdfium2 is needed: pip install 'maskrcnn[pdf]'.") from None
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise DataError(f"{path} cannot be opened as a PDF ({reason(error)}); save it again.") from None


def _tiff_pages(path: Path) -> list[int]:
    """Numbers of the pages that are not smaller copies of others."""
    with Image.open(path) as image:
        pages = []
        for number in range(1, getattr(image, "n_frames", 1) + 1):
            image.seek(number - 1)
            tags: Any = getattr(image, "tag_v2", {})
            if not int(tags.get(SUBFILE, 0)) & REDUCED:
                pages.append(number)
        return pages
