"""Open labelled recordings: a folder of them, one alone, or a text file that lists some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.gzip_files import unpacked_stem
from maskrcnn.data.parsing.skipped import count_by_suffix
from maskrcnn.data.parsing.text import read_lines
from maskrcnn.errors import DataError
from maskrcnn.files import is_file, is_folder
from maskrcnn.modalities.signals.find import find_signals, is_part, is_signal, named_signal, signals_in
from maskrcnn.modalities.signals.measures.fields import field_measures
from maskrcnn.modalities.signals.read import read_record_signal
from maskrcnn.modalities.signals.recording_format import format_of, recording_formats

LISTS = ("", ".txt", ".lst")  # suffixes of a file that lists recordings, such as PhysioNet's RECORDS


def is_signal_set(path: Path) -> bool:
    """Whether ``path`` is a recording, a folder with recordings in it, or a list of them."""
    if is_folder(path):
        return any(map(_announces_labels, signals_in(path)))
    return named_signal(path) is not None or (is_file(path) and bool(_listed(path)))


def open_signal_set(path: Path, choice: str = "") -> Dataset:
    """The labelled recordings of ``path``: a folder, a recording, or a text file with the name of one on each line,
    from where the file lies.

    Args:
        path: for which :func:`is_signal_set`.
        choice: of their labels: the annotator of WFDB records; types of features, and from where to where, of DNA.

    Raises:
        DataError: where nothing can be used.
    """
    files = _files(path)
    for known in recording_formats():
        own = [file for file in files if known.is_file(file)]
        if own:
            data: Dataset = known.load("read", "open_files")(path, own, choice)
            others = len(files) - len(own)
            notes = [f"{path}: recordings of another kind were left out ({others}); open them apart."] if others else []
            aside = _left_aside(path, files)
            notes += [f"{path}: {aside}"] if aside else []
            return replace(
                data,
                problems=[*data.problems, *notes],
                read_image=read_record_signal,
                kind=known.kind,
                measures=field_measures,
            )
    raise DataError(f"{path} has no recordings that can be read.")


def _announces_labels(path: Path) -> bool:
    """Whether a file in a folder makes it one of recordings: tables and arrays lie in folders of images too."""
    known = format_of(path)
    return known is None or known.announces(path)


def _files(path: Path) -> list[Path]:
    if is_folder(path):
        return signals_in(path)
    named = named_signal(path)
    return [named] if named is not None else find_signals(_listed(path))


def _left_aside(path: Path, files: Sequence[Path]) -> str:
    """A sentence about the files of a folder that are neither recordings nor labels of one."""
    if not is_folder(path):
        return ""
    stems = {file.name[: len(file.name) - len(file.suffix)] for file in files} | {unpacked_stem(file) for file in files}
    found = (entry for entry in path.iterdir() if is_file(entry) and not entry.name.startswith("."))
    rest = (file for file in found if file not in files and not is_part(file) and file.suffix not in LISTS)
    return count_by_suffix(file for file in rest if not any(file.name.startswith(f"{stem}.") for stem in stems))


def _listed(path: Path) -> list[Path]:
    """What a text file lists; nothing where its first line does not name a recording."""
    if path.suffix.lower() not in LISTS or path.stat().st_size > 10_000_000:
        return []
    try:
        lines = [line for line in read_lines(path) if not line.startswith("#")]
    except DataError:
        return []
    paths = [path.parent / line for line in lines]
    first = named_signal(paths[0]) if paths else None
    return paths if first is not None and is_signal(first) else []
