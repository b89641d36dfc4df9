"""Files of a folder that nothing looks at, counted by suffix, so that nobody takes them for done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from maskrcnn.files import is_file_entry, is_folder, is_searched, resolved

MOST_KINDS = 6  # suffixes that are named


def count_skipped(paths: Iterable[Path], found: Iterable[Path], is_known: Callable[[Path], bool], exclude: Path) -> str:
    """A sentence about the files in folders that were not found; empty where there are none.

    Args:
        paths: what was searched; only folders count, with their subfolders.
        found: what was found there: files, and folders that are one thing.
        is_known: whether a file belongs to something that was found, or may.
        exclude: a folder that was not searched, such as that of the results.

    Returns:
        The sentence, or nothing.
    """
    known = set(found)
    files = (file for path in paths if is_folder(path) and path not in known for file in _walk(path, known, exclude))
    return count_by_suffix(file for file in files if file not in known and not is_known(file))


def count_by_suffix(files: Iterable[Path]) -> str:
    """How many files of each suffix were passed over; empty without files."""
    kinds = Counter(file.suffix.lower() for file in files)
    if not kinds:
        return ""
    most = sorted(kinds, key=lambda suffix: (-kinds[suffix], suffix))
    told = [f"{kinds[suffix]} {suffix or 'without a suffix'}" for suffix in most[:MOST_KINDS]]
    rest = sum(kinds[suffix] for suffix in most[MOST_KINDS:])
    return "skipped: " + ", ".join([*told, *([f"{rest} of other kinds"] if rest else [])]) + "."


def _walk(folder: Path, known: set[Path], exclude: Path) -> Iterable[Path]:
    if folder in known or resolved(folder) == resolved(exclude):
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if is_searched(entry):
            yield from _walk(Path(entry.path), known, exclude)
        elif is_file_entry(entry):
            yield Path(entry.path)
