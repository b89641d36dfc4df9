"""Which files are videos, by their names. Loads nothing that decodes one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from maskrcnn.files import is_file_entry, is_folder, is_searched, resolved

SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
        *(".ogv", ".3gp", ".y4m", ".h264", ".h265", ".mjpeg", ".mjpg"),
    }
)


def is_clip(path: str | Path) -> bool:
    """Whether the file's suffix is that of a video."""
    return Path(path).suffix.lower() in SUFFIXES


def find_clips(paths: Iterable[Path], exclude: Path | None = None) -> list[Path]:
    """The videos that ``paths`` name, and those of folders with their subfolders, each once.

    Args:
        paths: files and folders.
        exclude: a folder that is never read, such as that of the results.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if is_folder(path):
            found.update(dict.fromkeys(_clips_in(path, exclude)))
        elif is_clip(path):
            found[path] = None
    return list(found)


def natural(name: int | str) -> list[tuple[int, int, str]]:
    """By which names are put in order: numbers in them by their value."""
    parts = re.split(r"(\d+)", str(name))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _clips_in(folder: Path, exclude: Path | None) -> Iterable[Path]:
    if exclude is not None and resolved(folder) == resolved(exclude):
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if is_searched(entry):
            yield from _clips_in(Path(entry.path), exclude)
        elif is_clip(entry.name) and is_file_entry(entry):
            yield Path(entry.path)
