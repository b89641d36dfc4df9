"""WFDB records as PhysioNet has them: ``NAME.hea``, samples in ``NAME.dat``, annotations in ``NAME.ANNOTATOR``.

A record is named by its header. Onsets and ends of waves become intervals, see ``data/waves.py``; annotators that mark
nothing but points (the beats of most ``.atr`` files) have no intervals to learn from.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from maskrcnn.data.intervals import LabelledSignal, signal_dataset
from maskrcnn.data.recording import Signal, SignalHeader, extra, finite_signal, reason, stretch
from maskrcnn.data.records import Dataset
from maskrcnn.data.size_limit import check_size
from maskrcnn.data.waves import (
    WAVES,
    Wave,
    gap_intervals,
    has_sides,
    shifted,
    unlabelled_gaps,
    wave_intervals,
    waves_of,
)
from maskrcnn.data.wfdb_annotations import read_marks
from maskrcnn.errors import DataError
from maskrcnn.files import is_file, is_file_entry

HEADER = ".hea"
BYTES_A_SAMPLE = 24  # of memory while a record is read: as stored, in physical units (float64), and without gaps
# Tried in this order: manual waves (QT Database, then the whole-record kinds), then automatic ones.
ANNOTATORS = ("q1c", "q2c", "q1t", "q2t", "man", "pu1", "pu0", "pu", "atr")
NO_ANNOTATORS = frozenset({"hea", "dat", "mat", "xws", "txt", "csv", "md", "html", "edf", "png", "jpg", "pdf", "json"})
BYTES = {"8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5}  # of one sample, by format


def is_wfdb(path: Path) -> bool:
    """Whether ``path`` is a header, or the file of samples of one that lies beside it."""
    return path.suffix == HEADER or (path.suffix == ".dat" and is_file(path.with_suffix(HEADER)))


def read_wfdb(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop`` of the record whose header is ``path``, in physical units.

    Raises:
        DataError: no such record, no samples, or fewer than the header says.
    """
    found = wfdb_header(path)
    low, high = stretch(path, found.length, start, stop)
    check_size(path, (high - low) * found.channels, "samples", BYTES_A_SAMPLE, lambda: _packed(path))
    # wfdb reads a record whose header has no length to its end only
    until = None if high == found.length else high if _ask(path, "rdheader").sig_len else None
    record = _ask(path, "rdrecord", sampfrom=low, sampto=until, return_res=32)
    names = tuple(name or f"signal {k}" for k, name in enumerate(record.sig_name, start=1))
    return finite_signal(path, record.p_signal[: high - low].T, found.rate, names, "wfdb")


def _packed(path: Path) -> int:
    """Bytes of the files beside the header, which may all hold samples of it."""
    return sum(entry.stat().st_size for entry in os.scandir(path.parent) if is_file_entry(entry))


def wfdb_header(path: Path) -> SignalHeader:
    """Length and rate. Raises DataError for a header that cannot be read or whose samples are not all there."""
    header = _ask(path, "rdheader")
    if not header.n_sig or not header.fs or header.fs <= 0:
        raise DataError(f"{path} names no signal or no sampling rate; it is no record of samples.")
    if type(header).__name__ == "MultiRecord":
        return SignalHeader(int(header.sig_len or 0), float(header.fs), channels=int(header.n_sig))
    if len(header.file_name or ()) != header.n_sig or not all(header.file_name):
        raise DataError(f"{path} does not describe the {header.n_sig} signals that it promises; copy it again.")
    held = [_samples_held(path.parent / name, header, name) for name in dict.fromkeys(header.file_name)]
    known = [count for count in held if count is not None]
    length = min(known, default=0) if header.sig_len is None else int(header.sig_len)
    if known and min(known) < length:
        raise DataError(
            f"{path} says {length} samples but its file of samples holds {min(known)}; it is cut off: copy or download "
            "it again."
        )
    return SignalHeader(length, float(header.fs), channels=int(header.n_sig))


def open_wfdb(path: Path, files: Sequence[Path], annotator: str = "") -> Dataset:
    """The records ``files`` (headers) that have annotations of ``annotator``; the rest is left out and named.

    Raises:
        DataError: no record has any, or no interval is in them.
    """
    chosen = annotator or _choose(files)
    if not chosen:
        raise DataError(f"{path}: no record has a file of annotations beside it, such as {files[0].stem}.q1c.")
    problems: list[str] = []
    signals = []
    for file in files:
        try:
            signals.append(_labelled(file, chosen, problems))
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
    if not signals:
        raise DataError(f"{path}: not one record can be used; the first fault: {problems[0]}")
    if not any(signal.intervals for signal in signals):
        others = sorted({a for file in files for a in _annotators(file)} - {chosen})
        hint = f"; others there: {', '.join(others)} (name one as {path}:{others[0]})" if others else ""
        raise DataError(f"{path}: annotator {chosen} marks points only, not where a wave begins or ends{hint}.")
    return signal_dataset(path, signals, problems, WAVES)


def _labelled(file: Path, annotator: str, problems: list[str]) -> LabelledSignal:
    if not is_file(file.with_suffix(f".{annotator}")):
        raise DataError(f"it has no annotations {file.stem}.{annotator}.")
    header = wfdb_header(file)
    waves = read_waves(file, annotator)
    gaps = unlabelled_gaps(waves)
    intervals = wave_intervals(waves)
    extent = None
    if intervals:
        sides = [interval.sides() for interval in intervals]
        extent = (max(0.0, min(s[0] for s in sides)), min(float(header.length), max(s[1] for s in sides)))
    signal = LabelledSignal(file, header.length, header.rate, intervals, extent, group=file.stem)
    signal.intervals = sorted([*intervals, *gap_intervals(gaps)], key=lambda interval: interval.sides())
    return signal


def read_waves(path: Path, annotator: str) -> list[Wave]:
    """The waves that ``annotator`` marked in the record whose header is ``path``, in samples of the record.

    Raises:
        DataError: the annotations cannot be read.
    """
    marks = read_marks(path.with_suffix(f".{annotator}"))
    waves = waves_of(marks.samples, marks.symbols, marks.numbers)
    if not has_sides(waves):
        return []
    rate = _ask(path, "rdheader").fs
    scale = rate / marks.rate if marks.rate and rate else 1.0
    return waves if scale == 1 else [shifted(wave, scale) for wave in waves]


def _choose(files: Iterable[Path]) -> str:
    """The annotator to take where none was asked for: the first of the list that most records have."""
    counts = Counter(annotator for file in files for annotator in _annotators(file))
    rank = {name: k for k, name in enumerate(ANNOTATORS)}
    return min(counts, key=lambda name: (rank.get(name, len(rank)), -counts[name], name), default="")


def _annotators(file: Path) -> list[str]:
    """What is beside the header under its name and may be annotations."""
    beside = file.parent.glob(f"{_escaped(file.stem)}.*")
    return [p.suffix[1:] for p in beside if p.stem == file.stem and p.suffix[1:].lower() not in NO_ANNOTATORS]


def _escaped(stem: str) -> str:
    return "".join(f"[{c}]" if c in "[]*?" else c for c in stem)


def _samples_held(file: Path, header: Any, name: str) -> int | None:
    """Whole samples of each signal in a file of samples; None where its format does not tell.

    Raises:
        DataError: where the file is missing.
    """
    if not is_file(file):
        raise DataError(f"{file.with_suffix(HEADER)} has no samples: {name} is not beside it; copy it there.")
    own = [k for k, other in enumerate(header.file_name) if other == name]
    if any(header.fmt[k] not in BYTES for k in own):
        return None
    frame = sum(BYTES[header.fmt[k]] * (header.samps_per_frame[k] or 1) for k in own)
    return int((file.stat().st_size - (header.byte_offset[own[0]] or 0)) / frame)


def _ask(path: Path, function: str, **options: Any) -> Any:
    """What a function of wfdb says of the record; it meets broken files with errors of every kind."""
    wfdb = extra("wfdb", "WFDB records")
    if not is_file(path):
        raise DataError(f"{path} does not exist; a WFDB record is named by its header (.hea).")
    try:
        with warnings.catch_warnings():  # of pandas, about how wfdb uses it
            warnings.simplefilter("ignore")
            return getattr(wfdb, function)(str(path.with_suffix("")), **options)
    except Exception as error:
        raise DataError(f"{path} is no record that can be read ({reason(error)}); copy it again.") from error
