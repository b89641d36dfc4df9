"""A training's folder: one training at a time writes into it, and what a killed one left half written goes."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from maskrcnn.errors import UsageError
from maskrcnn.files import exists, is_file, remove_leftovers, resolved
from maskrcnn.planning.plan import NAME as PLAN

LOCK = ".training.lock"
SPLIT_NAMES = {"train", "training", "valid", "val", "validation", "test"}
PLAIN_NAMES = {"data", "dataset", "images", "annotations", "labels"}
WRITTEN = (
    "plan.yaml",
    "best.safetensors",
    "last.safetensors",
    "log.jsonl",
    "curves.png",
    "labels.jpg",
    "samples.jpg",
    "results.csv",
    "training-images.jpg",
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


def default_out(paths: Sequence[Path], resume: bool = False, runs: Path = Path("runs")) -> Path:
    """Choose the folder of a training that names none.

    It is ``runs/NAME`` after the data, or the first of ``runs/NAME-2`` ... that holds no training
    yet and into which none is being written.

    Args:
        paths: of the data; the first gives the name.
        resume: choose the latest folder that holds a training.
        runs: the folder of all such folders.

    Returns:
        The folder, which may not be there yet.
    """
    name = data_name(paths[0])
    taken = [runs / name, *(runs / f"{name}-{k}" for k in range(2, 1000))]
    free = next(k for k, folder in enumerate(taken) if not exists(folder / "last.safetensors") and not is_taken(folder))
    if resume and free and not exists(taken[free] / PLAN):
        return taken[free - 1]
    return taken[free]


def data_name(path: Path) -> str:
    """What a data set is called: its file or folder, or the folder above one that is only called ``train``."""
    path = resolved(path)
    names = [path.stem if is_file(path) else path.name.partition(":")[0], *(folder.name for folder in path.parents)]
    name = next(
        (n for n in names if n and n.lower() not in SPLIT_NAMES | PLAIN_NAMES and not n.startswith("_annotations")),
        "data",
    )
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "data"


def check_folder(out: Path, resume: bool) -> None:
    """Refuse to begin over a training, or to resume where there is none."""
    last = out / "last.safetensors"
    if resume and not is_file(last):
        raise UsageError(
            f"There is nothing to resume in {out}: {last.name} is not there; train without --resume first."
        )
    if exists(last) and not resume:
        raise UsageError(
            f"{out} holds a training already: go on with it with --resume, or name another folder with --out."
        )


def plan_to_follow(out: Path, plan: str, resume: bool) -> Path | None:
    """Find the plan file that a training follows.

    Args:
        out: the training's folder.
        plan: ``auto``, ``off`` or the name of a plan file.
        resume: go on with the training in ``out``.

    Returns:
        The file that was named, or that of a training that was interrupted before its first
        checkpoint; None where a new plan is made, or none.

    Raises:
        UsageError: ``out`` holds a training that is not to be resumed, or nothing to resume.
    """
    last, written = out / "last.safetensors", out / PLAN
    planned = resume and not exists(last) and is_file(written)
    if not planned:
        check_folder(out, resume)
    if plan not in ("auto", "off"):
        return Path(plan)
    return written if planned else None


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
