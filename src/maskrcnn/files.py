"""Files are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

CACHE = "MASKRCNN_CACHE"  # environment variable: the folder that what was fetched is kept in
RESULTS_MARK = ".predictions.jsonl"  # lies in a folder of results and says what is done
LONGEST_NAME = 255  # bytes of a file's name on the usual file systems
LONGEST_SUFFIX = 12
_written: ContextVar[list[Path] | None] = ContextVar("written", default=None)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block ends without an error.

    Folders that do not exist are made. After an error nothing is left behind, and an old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(_temporary_name(path))
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # some writers make files that only their owner may read
        temporary.replace(path)
        if (written := _written.get()) is not None:
            written.append(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def written_files() -> Iterator[list[Path]]:
    """A list to which each file is added that :func:`atomic_write` writes within the block, in this thread."""
    files: list[Path] = []
    token = _written.set(files)
    try:
        yield files
    finally:
        _written.reset(token)


def _temporary_name(path: Path) -> str:
    """Hidden, this process's own, and with the suffix that tells writers what to write; never too long for a disk."""
    name = f".{path.stem}.{os.getpid()}{path.suffix}"
    if len(os.fsencode(name)) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return f".{digest}.{os.getpid()}{path.suffix[-LONGEST_SUFFIX:]}"


def shortened(text: str, most: int) -> str:
    """A part of a file's name, of at most so many bytes: what is cut off is told by eight digits of its hash."""
    encoded = os.fsencode(text)
    if len(encoded) <= most:
        return text
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: most - 9].decode('utf-8', 'ignore')}-{digest}"


# Path's own is_file, is_dir, exists and resolve raise where a name is too long or a link leads back to itself, and one
# such name would end a job of thousands.
def is_file(path: str | Path) -> bool:
    """Whether there is such a file; False for names that no file can have and links that lead nowhere."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """As :func:`is_file`, of a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def exists(path: str | Path) -> bool:
    """As :func:`is_file`, of anything."""
    return os.path.exists(path)  # noqa: PTH110


def resolved(path: str | Path) -> Path:
    """The path without links, as far as they can be followed."""
    return Path(os.path.realpath(path))


def is_file_entry(entry: os.DirEntry[str]) -> bool:
    """As :func:`is_file`, of what a folder lists, without asking the file system again."""
    try:
        return entry.is_file()
    except OSError:
        return False


def is_searched(entry: os.DirEntry[str]) -> bool:
    """Whether what a folder lists is a folder that is searched with it: no link, not hidden, and none of results,
    whose pictures nobody means."""
    own = entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
    return own and not exists(os.path.join(entry.path, RESULTS_MARK))  # noqa: PTH118


def broken_links(folder: str | Path, suffixes: Collection[str]) -> list[Path]:
    """Links in a folder whose names end like files that are looked for, but which lead nowhere."""
    links = (entry for entry in os.scandir(folder) if entry.is_symlink() and not entry.name.startswith("."))
    return sorted(Path(e.path) for e in links if not exists(e.path) and e.name.lower().endswith(tuple(suffixes)))


def why_missing(path: str | Path) -> str:
    """A sentence for what is not there."""
    if os.path.islink(path):  # noqa: PTH114
        return f"{path} is a link that leads nowhere; put the file itself in its place."
    return f"{path} does not exist; check the name."


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


def cache_folder() -> Path:
    """Where what was fetched is kept: ``$MASKRCNN_CACHE``, else ``maskrcnn`` in the user's own cache folder."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE])
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "maskrcnn"
