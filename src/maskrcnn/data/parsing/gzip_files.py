"""Files that may be packed with gzip: told by their first bytes, whatever they are called."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO, cast

GZIP, SUFFIX = b"\x1f\x8b", ".gz"
DENSEST = 1032  # bytes that gzip packs into one at most
LENGTH = 4  # bytes at the end of gzip that say how long the unpacked file is


def is_packed(path: Path) -> bool:
    """Whether a file begins as gzip does. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def unpacked_size(path: Path) -> int:
    """Bytes that a file holds, unpacked: what gzip says of it at its end (of more than 4 GiB the rest), as far as that
    can be so: a file that is cut off ends with anything."""
    size = path.stat().st_size
    if not is_packed(path):
        return size
    with path.open("rb") as file:
        file.seek(-min(LENGTH, size), io.SEEK_END)
        return max(size, min(int.from_bytes(file.read(LENGTH), "little"), DENSEST * size))


def open_bytes(path: Path) -> BinaryIO:
    """A file for reading, unpacked as it is read."""
    return cast(BinaryIO, gzip.open(path, "rb")) if is_packed(path) else path.open("rb")


def open_text(path: Path) -> TextIO:
    """A file of UTF-8 for reading, unpacked as it is read; a byte order mark at its start is no part of the text."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig")


def unpacked_name(path: Path) -> str:
    """The name without ``.gz``."""
    return path.name[: -len(SUFFIX)] if path.name.lower().endswith(SUFFIX) else path.name


def unpacked_stem(path: Path) -> str:
    """The name without ``.gz`` and without the suffix before it."""
    return Path(unpacked_name(path)).stem
