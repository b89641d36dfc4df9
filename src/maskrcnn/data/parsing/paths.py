"""Whether what a user names is there at all, asked before anything heavy is loaded to read it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file

WFDB_HEADER, WFDB_SAMPLES = ".hea", ".dat"


def refuse_missing(path: Path) -> None:
    """Raises DataError where ``path`` names no labelled data: neither a file, a folder, a WFDB record (named without
    its suffix) nor ``DATA:SPLIT`` of one of these."""
    if not is_something(path) and not any(is_something(base) for base in _before_colons(path)):
        raise DataError(f"{path} does not exist; name a file of labels or a folder of labelled images.")


def is_something(path: Path) -> bool:
    """Whether ``path`` is a file, a folder, or the name of a WFDB record, which is a header and other files."""
    beside = path.with_suffix(WFDB_HEADER) if path.suffix == WFDB_SAMPLES else f"{path}{WFDB_HEADER}"
    return exists(path) or is_file(beside)


def _before_colons(path: Path) -> list[Path]:
    """What a split or an annotator may have been named of."""
    parts = str(path).split(":")
    return [Path(":".join(parts[:count])) for count in range(1, len(parts)) if parts[count - 1]]
