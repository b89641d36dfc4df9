"""What a user names: whether it is there at all, asked before anything heavy is loaded to read it, and the files in
the folders that are named, walked the same way for every kind of file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder, is_searched, resolved

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


def walk_files(
    paths: str | Path | Iterable[str | Path],
    files_in: Callable[[Path], Iterable[Path]],
    file_named: Callable[[Path], Path],
    exclude: str | Path | None = None,
) -> list[Path]:
    """Files as they are named, and folders walked in sorted order, each folder's own files before its subfolders.

    Hidden folders and folders of results are passed over, and no link to a folder is followed. No file is listed twice.

    Args:
        paths: a file or a folder, or several.
        files_in: the files of interest that lie in a folder itself, in order.
        file_named: the file that a path stands for which is no folder; raises DataError where there is none.
        exclude: a folder that is never read, such as the one the results are written to.

    Returns:
        The files.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    excluded = None if exclude is None else resolved(Path(exclude))
    found: dict[Path, None] = {}
    for path in map(Path, named):
        own = _walk(path, files_in, excluded) if is_folder(path) else [file_named(path)]
        found.update(dict.fromkeys(own))
    return list(found)


def _walk(folder: Path, files_in: Callable[[Path], Iterable[Path]], excluded: Path | None) -> Iterator[Path]:
    if excluded is not None and resolved(folder) == excluded:
        return
    yield from files_in(folder)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_searched(entry):
            yield from _walk(Path(entry.path), files_in, excluded)
