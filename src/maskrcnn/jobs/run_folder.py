"""A training's folder: one training at a time writes into it, and what a killed one left half written goes."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from maskrcnn.errors import UsageError
from maskrcnn.files import exists, remove_leftovers, resolved

LOCK = ".training.lock"
WRITTEN = (
    "plan.yaml",
    "best.safetensors",
    "last.safetensors",
    "log.jsonl",
    "curves.png",
    "metrics.json",
    "report.html",
)
_held: dict[Path, int] = {}  # folders that this process trains into, and by which thread


@contextmanager
def training_folder(out: Path) -> Iterator[None]:
    """Within the block no other training writes into ``out``, in whatever process; what was left half written is gone.

    The lock is the system's own, so it ends with the process that holds it however that dies. Of several processes that
    train together the first holds it. Within the block another one of the same thread does nothing.

    Raises:
        UsageError: another training has the folder.
    """
    folder, me = resolved(out), threading.get_ident()
    if os.environ.get("RANK", "0") != "0" or _held.get(folder) == me:
        yield
        return
    if folder in _held:
        raise UsageError(_taken(out))
    out.mkdir(parents=True, exist_ok=True)
    file = _locked(out)
    _held[folder] = me
    try:
        for name in WRITTEN:
            remove_leftovers(out / name)
        yield
    finally:
        del _held[folder]
        if file is not None:
            with suppress(OSError):
                (out / LOCK).unlink()
            file.close()


def is_taken(out: Path) -> bool:
    """Whether a training of another process has the folder at this moment."""
    if not exists(out / LOCK):
        return False
    try:
        file = _locked(out)
    except UsageError:
        return True
    if file is not None:
        file.close()
    return False


def _locked(out: Path) -> IO[str] | None:
    """The lock's open file; None where the system has no such locks. Raises UsageError where another has it."""
    while True:
        file = (out / LOCK).open("w")
        try:
            if not _lock(file):
                file.close()
                return None
        except BlockingIOError:
            file.close()
            raise UsageError(_taken(out)) from None
        with suppress(FileNotFoundError):  # whoever had it may have removed the file since it was opened
            if os.path.samestat(os.fstat(file.fileno()), (out / LOCK).stat()):
                return file
        file.close()


def _lock(file: IO[str]) -> bool:
    """Whether the file could be locked. Raises BlockingIOError where another process has done so."""
    try:
        import fcntl  # here, because Windows does not have it
    except ImportError:
        return False
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a process's own: workers that it forks do not hold it
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise BlockingIOError from None
        return False  # a file system without locks
    return True


def _taken(out: Path) -> str:
    return f"Another training is writing into {out}: wait until it has ended, or name another folder with --out."
