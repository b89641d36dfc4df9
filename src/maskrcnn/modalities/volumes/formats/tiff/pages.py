"""The chain of pages of a TIFF, read by hand: how many there are, and whether the file ends before its last one.

tifffile stops at a broken chain without an error, and to ask it for the number of pages of a picture would need it to
be installed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
SUBFILE, DESCRIPTION = 254, 270
CUT_OFF = "the file ends before its last page"
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
FARTHEST = 2**63
SHAPE = re.compile(rb'"shape": \[([\d, ]+)\]')


@dataclass(frozen=True)
class Page:
    """One page's directory: whether it is a smaller copy of another page, and its description (of the first only)."""

    reduced: bool
    description: bytes = b""


def pages(path: Path) -> Iterator[Page]:
    """The pages in order.

    Raises:
        ValueError: no TIFF, or one that ends before the chain does.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(16)
        if start[:4] not in MAGIC:
            raise ValueError("no TIFF")
        order, big = MAGIC[start[:4]]
        if len(start) < (16 if big else 8):
            raise ValueError(CUT_OFF)
        file.seek(0, 2)
        length = file.tell()
        offset: int = struct.unpack_from(f"{order}Q" if big else f"{order}I", start, 8 if big else 4)[0]
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise ValueError("its pages go round in a circle")
            seen.add(offset)
            if offset > length:
                raise ValueError(CUT_OFF)
            page, offset = _page(file, offset, order, big, length, described=len(seen) == 1)
            yield page


def has_several_pages(path: Path) -> bool:
    """Whether a TIFF holds a stack: a second page that is no smaller copy of the first, or a description that says so.

    ImageJ and tifffile may write one directory for all slices, which follow one another in the file.
    """
    chain = pages(path)
    first = next(chain, None)
    if first is None:
        return False
    text = first.description
    if text.startswith(b"ImageJ=") and (images := re.search(rb"^images=(\d+)", text, re.MULTILINE)):
        return int(images[1]) > 1
    try:
        second = next(chain, None)
    except ValueError:  # the file breaks off behind its first page
        return True
    if second is not None:
        return not second.reduced
    shape = SHAPE.search(text)
    sides = [int(side) for side in shape[1].split(b",")] if shape else []
    return len(sides) > 2 and sides[-1] > 4 and sides[0] > 1


def _page(file: BinaryIO, offset: int, order: str, big: bool, length: int, described: bool) -> tuple[Page, int]:
    count_format, entry_format, next_format = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    entry_size, value_size = struct.calcsize(f"{order}{entry_format}"), 8 if big else 4
    count = _unpack(file, offset, f"{order}{count_format}")
    entries_at = offset + struct.calcsize(f"{order}{count_format}")
    if entries_at + count * entry_size > length:
        raise ValueError(CUT_OFF)
    following = _unpack(file, entries_at + count * entry_size, f"{order}{next_format}")
    file.seek(entries_at)
    reduced, description = False, b""
    for tag, kind, number, value in struct.iter_unpack(f"{order}{entry_format}", file.read(count * entry_size)):
        size = number * SIZES.get(kind, 1)
        at = None if size <= value_size else struct.unpack(f"{order}{next_format}", value)[0]
        if at is not None and at + size > length:
            raise ValueError(CUT_OFF)
        if tag == SUBFILE:
            reduced = bool(struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", value)[0] & 1)
        elif tag == DESCRIPTION and described:
            file.seek(at or 0)
            description = value[:size] if at is None else file.read(size)
    return Page(reduced, description), following


def _unpack(file: BinaryIO, offset: int, form: str) -> int:
    found = b""
    if offset < FARTHEST:  # no place in a file is beyond that
        file.seek(offset)
        found = file.read(struct.calcsize(form))
    if len(found) < struct.calcsize(form):
        raise ValueError(CUT_OFF)
    number: int = struct.unpack(form, found)[0]
    return number
