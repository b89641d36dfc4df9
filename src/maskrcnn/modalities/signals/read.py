"""Signals in whichever known format: which files are some, and reading one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from maskrcnn.data.parsing.unsupported import how_to_export
from maskrcnn.errors import DataError
from maskrcnn.files import broken_links, exists, is_file, is_file_entry, is_folder, resolved, why_missing
from maskrcnn.modalities.signals.formats.audio import read as audio
from maskrcnn.modalities.signals.formats.dna import read as dna
from maskrcnn.modalities.signals.formats.edf import read as edf
from maskrcnn.modalities.signals.formats.series import read as series
from maskrcnn.modalities.signals.formats.wfdb import read as wfdb_records
from maskrcnn.modalities.signals.formats.wfdb.segments import HEADER, segments_in
from maskrcnn.modalities.signals.signal import Signal
from maskrcnn.structures import Record

__all__ = ["Signal", "find_signals", "is_signal", "named_signal", "read_record_signal", "read_signal"]


def read_signal(path: str | Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop`` (None: to the end) of a recording; what kind it is, its suffix says.

    Raises:
        DataError: no such file, no signal, or one that is damaged.
        UsageError: the package that reads it is not installed.
    """
    path = named_signal(path) or Path(path)
    if not exists(path):
        raise DataError(why_missing(path))
    for is_kind, read in READERS:
        if is_kind(path):
            return read(path, start, stop)
    if path.suffix.lower() in series.SUFFIXES:  # it does not look like one, so reading it tells why
        return series.read_series(path, start, stop)
    told = how_to_export(path)
    raise DataError(f"{path} {told}" if told else f"{path} is no signal that can be read; known are {KNOWN}.")


def read_record_signal(record: Record) -> Tensor:
    """The samples ``[C, T]`` of a labelled record, as float32; of a record with other channels its leads.

    Raises:
        DataError: where the file cannot be read or has another length than its labels say.
    """
    samples = read_signal(record.source).lead_samples()
    if record.spatial_shape is not None and tuple(samples.shape[1:]) != record.spatial_shape:
        raise DataError(
            f"{record.source} has {samples.shape[1]} samples but its labels were read for {record.spatial_shape[0]}; "
            "open the data again."
        )
    return samples


def is_signal(path: str | Path) -> bool:
    """Whether the file's name is that of a signal: a WFDB header (or the samples beside one), a sound, a series or a
    sequence of bases."""
    return any(is_kind(Path(path)) for is_kind, _ in READERS)


def named_signal(path: str | Path) -> Path | None:
    """The file to read of what a user named: of a WFDB record (with or without a suffix) its header, else the file
    itself; None for what is no signal."""
    path = Path(path)
    header = path.with_name(f"{path.name}.hea") if path.name else path
    if not exists(path) and is_file(header):
        return header
    if wfdb_records.is_wfdb(path):
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
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    excluded = None if exclude is None else resolved(Path(exclude))
    found: dict[Path, None] = {}
    for path in map(Path, named):
        if is_folder(path):
            found.update(dict.fromkeys(_walk(path, excluded)))
            continue
        signal = named_signal(path)
        if signal is None and not exists(path):
            raise DataError(f"{path} does not exist; name a signal or a folder of signals.")
        found[signal or path] = None
    return list(found)


def signals_in(folder: Path) -> list[Path]:
    """The signals that lie in ``folder`` itself, in sorted order; a WFDB record as its header, without
    the headers of its segments."""
    entries = (entry for entry in os.scandir(folder) if entry.name.lower().endswith(ENDINGS))
    files = (Path(entry.path) for entry in entries if is_file_entry(entry) and not entry.name.startswith("."))
    signals = (named_signal(path) for path in sorted(files) if is_signal(path))
    found = dict.fromkeys(signal for signal in signals if signal is not None)
    segments = segments_in(signal for signal in found if signal.suffix == HEADER)
    return [signal for signal in found if signal not in segments]


def _walk(folder: Path, excluded: Path | None) -> Iterable[Path]:
    """The signals in ``folder``, each folder's own before those of its subfolders."""
    if excluded is not None and resolved(folder) == excluded:
        return
    yield from signals_in(folder)
    yield from broken_links(folder, SUFFIXES)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _walk(Path(entry.path), excluded)


SUFFIXES = frozenset({HEADER, ".dat"}) | edf.SUFFIXES | audio.SUFFIXES | dna.SUFFIXES | series.SUFFIXES
ENDINGS = tuple(SUFFIXES) + tuple(f"{suffix}.gz" for suffix in dna.SUFFIXES)
READERS = (  # whose file it is, who reads it
    (wfdb_records.is_wfdb, wfdb_records.read_wfdb),
    (edf.is_edf, edf.read_edf),
    (audio.is_audio, audio.read_audio),
    (dna.is_dna, dna.read_dna),
    (series.is_series, series.read_series),
)
KNOWN = (
    "WFDB records (.hea), EDF (.edf, .bdf), sound (.wav, .flac, .ogg, .aif, .mp3), series of numbers (.csv, .npz, "
    ".npy) and DNA (.gb, .gbk, .fasta, .fa, also with .gz)"
)
