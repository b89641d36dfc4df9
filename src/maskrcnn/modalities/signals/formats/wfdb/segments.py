"""Headers of WFDB records, and which of them are segments of another record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

HEADER = ".hea"
RECORD_OF_SEGMENTS = re.compile(r"\S+/(\d+)\s")
LONGEST_HEADER = 1 << 20  # characters


def segments_in(files: Iterable[Path]) -> set[Path]:
    """The headers that are segments (or the layout) of a record among the headers ``files``, not records of their own.

    A header that cannot be read has none; reading it tells why.
    """
    found: set[Path] = set()
    for file in files:
        lines = header_lines(file)
        count = RECORD_OF_SEGMENTS.match(lines[0]) if lines else None
        names = (line.split()[0] for line in lines[1 : int(count[1][:9]) + 1]) if count else ()
        found.update(file.with_name(f"{name}{HEADER}") for name in names if name != "~")
    return found


def header_lines(file: Path) -> list[str]:
    """The lines of a header that say something; none where it cannot be read."""
    try:
        with file.open(encoding="ascii", errors="replace") as text:
            lines = text.read(LONGEST_HEADER).splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip() and not line.startswith("#")]
