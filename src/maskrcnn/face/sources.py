"""Which files a path means: one, or all of a folder or a pattern."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_folder
from maskrcnn.modalities.wing import Wing

UNREAD = 5  # files of which a sentence names the first


def paths_of(path: Path, wing: Wing) -> list[Path]:
    """The files that a path means to a model.

    Args:
        path: of a file, a folder or a pattern with ``*``.
        wing: of the files that the model looks at.

    Returns:
        One file or more. A folder may be one file too: a DICOM series.

    Raises:
        DataError: there is none.
    """
    text = os.path.expanduser(path)  # noqa: PTH111 - of str and Path alike
    if _is_pattern(path):
        named = [Path(found) for found in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207 - absolute patterns too
        files = [file for file in wing.doors().find_own(named) if file.name]
    else:
        files = wing.doors().find_files([Path(text)])
    if not files:
        raise DataError(f"There are no {wing.nouns} in {path}; name a file of one, or another folder.")
    return files


def is_many(path: Path, files: list[Path]) -> bool:
    """Whether a path stands for all of its files, even where that is one, rather than for a file."""
    return _is_pattern(path) or (is_folder(path) and files != [path])


def name_of(source: Any) -> str:
    """The path or address of a source as it was given; empty for what is in memory."""
    return os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "filename", "") or "")


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not exists(path)
