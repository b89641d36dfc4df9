"""Files are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block ends without an error.

    Folders that do not exist are made. After an error nothing is left behind, and an old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what :func:`atomic_write` of processes that are gone was writing beside ``path`` when they were killed."""
    for leftover in path.parent.glob(f".{path.stem}.*{path.suffix}"):
        number = leftover.name.removeprefix(f".{path.stem}.").removesuffix(path.suffix)
        if number.isdigit() and not _runs(int(number)):
            leftover.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether there is another process of that number, as far as the system tells without disturbing it."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
