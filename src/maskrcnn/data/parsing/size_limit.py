"""One law for all files: how much one may hold, known from its header before anything of it is unpacked.

A few kilobytes may unpack to gigabytes. By default a file may hold what fits into the memory that is free; one that is
packed more tightly than photos, scans and recordings ever are may only hold as much as does no harm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.memory import free_memory

VARIABLE = "MASKRCNN_MAX_PIXELS"  # of the environment, so that processes that load images know it too
TIGHT = 64  # pixels, voxels or samples in a byte of a file; photos have 2 to 20, scans and sounds 1 to 10
HARMLESS = 1280 * 2**20  # bytes of memory that any file may take


@contextmanager
def at_most(count: int | None) -> Iterator[None]:
    """Within the block no file may hold more than ``count`` pixels, voxels or samples; None: as the environment says,
    by default what memory allows."""
    before = os.environ.get(VARIABLE)
    if count is not None:
        os.environ[VARIABLE] = str(count)
    try:
        yield
    finally:
        if count is not None:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before


def check_size(
    path: str | Path, count: int, what: str, each: int, packed: int | Callable[[], int] | None = None
) -> None:
    """Refuse a file that would not fit, before it is unpacked.

    Args:
        path: of the file.
        count: how many pixels, voxels or samples its header says that it holds, of all channels.
        what: the word for them, in the plural.
        each: bytes of memory that one takes while it is read.
        packed: bytes in which they lie, or what counts them where that takes a while; None: those
            of the file.

    Raises:
        DataError: it is more than ``--max-pixels`` (or ``$MASKRCNN_MAX_PIXELS``) or than memory allows.
    """
    most = _stated()
    if most is not None:
        if count > most:
            raise DataError(f"{path} holds {count:,} {what}, more than the {most:,} that --max-pixels allows.")
        return
    need = count * each
    if need <= HARMLESS:
        return
    allow = f"allow it with --max-pixels {count}"
    packed = packed() if callable(packed) else Path(path).stat().st_size if packed is None else packed
    if count > TIGHT * packed:
        raise DataError(
            f"{path} holds {count:,} {what} in {packed:,} bytes, more tightly than real ones are, and would take "
            f"{_gib(need)} of memory; if it is right, {allow}."
        )
    free = free_memory()
    if need > free:
        raise DataError(
            f"{path} holds {count:,} {what}, which would take {_gib(need)} of memory, and {_gib(free)} are free; cut "
            f"it into parts, or {allow}."
        )


def check_look(
    path: str | Path, count: int, need: int, packed: Callable[[], int], tile: int | None, advice: str
) -> None:
    """Refuse to look at more of a file at once than would fit.

    Args:
        path: of the file.
        count: how many pixels, voxels or samples the file holds, of all channels.
        need: bytes of memory that the look would take, with the file's own.
        packed: counts the bytes in which the file lies.
        tile: longest side of what is looked at, where the file is cut; None: it is seen as a whole.
        advice: what to do instead.

    Raises:
        DataError: it is more than memory allows, or, of a file that is packed more tightly than real ones are and that
            no ``--max-pixels`` allows, more than does no harm.
    """
    if need <= HARMLESS:
        return
    seen = "seen as a whole" if tile is None else f"seen in tiles of {tile}"
    free = free_memory()
    if need > free:
        raise DataError(f"{path} would take about {_gib(need)} of memory {seen}, and {_gib(free)} are free; {advice}.")
    if _stated() is None and count > TIGHT * packed():
        raise DataError(
            f"{path} is packed more tightly than real files are and would take about {_gib(need)} of memory {seen}; "
            f"{advice}, or, if it is right, allow it with --max-pixels {count}."
        )


def _stated() -> int | None:
    text = os.environ.get(VARIABLE, "")
    return int(text) if text.isdecimal() else None


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
