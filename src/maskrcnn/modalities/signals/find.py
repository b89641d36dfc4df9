"""Which files are recordings, and where they lie. Loads nothing that reads one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from maskrcnn.data.parsing.paths import walk_files
from maskrcnn.errors import DataError
from maskrcnn.files import broken_links, exists, is_file, is_file_entry
from maskrcnn.modalities.signals.formats.wfdb.about import is_wfdb
from maskrcnn.modalities.signals.formats.wfdb.segments import HEADER, segments_in
from maskrcnn.modalities.signals.recording_format import format_of, recording_formats


def is_signal(path: str | Path) -> bool:
    """Whether the file's name is that of a signal: a WFDB header (or the samples beside one), a sound, a series or a
    sequence of bases."""
    return format_of(Path(path)) is not None


def named_signal(path: str | Path) -> Path | None:
    """The file to read of what a user named: of a WFDB record (with or without a suffix) its header, else the file
    itself; None for what is no signal."""
    path = Path(path)
    header = path.with_name(f"{path.name}.hea") if path.name else path
    if not exists(path) and is_file(header):
        return header
    if is_wfdb(path):
        return path.with_suffix(HEADER)
    return path if is_file(path) and is_signal(path) else None


def find_signals(paths: str | Path | Iterable[str | Path], exclude: str | Path | None = None) -> list[Path]:
    """The signals that ``paths`` name: files as they are, folders walked in sorted order with their subfolders.

    A WFDB record appears once, as its header. Hidden files and folders, and files of labels, are passed over.

    Args:
        paths: a file, a record's name, or a folder; or several.
        exclude: a folder that is never read, such as the one the results are written to.

    Raises:
        DataError: for a path that does not exist.
    """
    return walk_files(paths, _signals_and_links, _signal_named, exclude)


def signals_in(folder: Path) -> list[Path]:
    """The signals that lie in ``folder`` itself, in sorted order; a WFDB record as its header, without
    the headers of its segments."""
    entries = (entry for entry in os.scandir(folder) if entry.name.lower().endswith(endings()))
    files = (Path(entry.path) for entry in entries if is_file_entry(entry) and not entry.name.startswith("."))
    signals = (named_signal(path) for path in sorted(files) if is_signal(path))
    found = dict.fromkeys(signal for signal in signals if signal is not None)
    segments = segments_in(signal for signal in found if signal.suffix == HEADER)
    return [signal for signal in found if signal not in segments]


def _signal_named(path: Path) -> Path:
    signal = named_signal(path)
    if signal is None and not exists(path):
        raise DataError(f"{path} does not exist; name a signal or a folder of signals.")
    return signal or path


def _signals_and_links(folder: Path) -> list[Path]:
    return [*signals_in(folder), *broken_links(folder, suffixes())]


def suffixes() -> frozenset[str]:
    """Of all files that recordings are made of."""
    return frozenset(suffix for known in recording_formats() for suffix in (*known.suffixes, *known.beside))


def endings() -> tuple[str, ...]:
    """What the names of such files may end with."""
    return tuple(ending for known in recording_formats() for ending in known.endings())


def is_part(path: Path) -> bool:
    """Whether a file is one of several that make up a recording."""
    return any(known.beside and known.is_file(path) for known in recording_formats())
