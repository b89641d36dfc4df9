"""WFDB records as PhysioNet has them: ``NAME.hea``, samples in ``NAME.dat``, annotations in ``NAME.ANNOTATOR``.

A record is named by its header. Onsets and ends of waves become intervals, see ``waves.py``; annotators that mark
nothing but points (the beats of most ``.atr`` files) have no intervals to learn from.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, reason
from maskrcnn.files import is_file, is_file_entry
from maskrcnn.modalities.signals.formats.wfdb.annotations import read_marks
from maskrcnn.modalities.signals.formats.wfdb.segments import HEADER, header_lines
from maskrcnn.modalities.signals.formats.wfdb.waves import (
    WAVES,
    Wave,
    gap_intervals,
    has_sides,
    shifted,
    unlabelled_gaps,
    wave_intervals,
    waves_of,
)
from maskrcnn.modalities.signals.leads import find_leads, leads_note, on_one_rate, rates_note
from maskrcnn.modalities.signals.signal import Signal, SignalHeader, checked_rate, extra, finite_signal, stretch
from maskrcnn.modalities.signals.tables.intervals import LabelledSignal, signal_dataset
from maskrcnn.modalities.signals.tables.labelled_files import open_each

BYTES_A_SAMPLE = 24  # of memory while a record is read: as stored, in physical units (float64), and without gaps
# Tried in this order: manual waves (QT Database, then the whole-record kinds), then automatic ones.
ANNOTATORS = ("q1c", "q2c", "q1t", "q2t", "man", "pu1", "pu0", "pu", "atr")
NO_ANNOTATORS = frozenset(
    {"hea", "dat", "mat", "xws", "txt", "csv", "md", "html", "edf", "bdf", "png", "jpg", "pdf", "json"}
)
FLAC = frozenset({"508", "516", "524"})
BYTES = {
    "8": 1,
    "16": 2,
    "24": 3,
    "32": 4,
    "61": 2,
    "80": 1,
    "160": 2,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}  # of one sample, by format


def read(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop`` of the record whose header is ``path``, in physical units, at the rate of the
    channel that has most samples in a frame.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: no such record, no samples, or fewer than the header says.
    """
    found = wfdb_header(path)
    low, high = stretch(path, found.length, start, stop)
    check_size(path, (high - low) * found.channels, "samples", BYTES_A_SAMPLE, lambda: _packed(path))
    header = _ask(path, "rdheader")
    most = round(found.rate / header.fs)
    first, behind = low // most, -(-high // most)  # frames
    # wfdb reads a record whose header has no length to its end only
    until = None if high == found.length else behind if header.sig_len else None
    record = _ask(path, "rdrecord", sampfrom=first, sampto=until, return_res=32, smooth_frames=most == 1)
    names = tuple(name or f"signal {k}" for k, name in enumerate(record.sig_name, start=1))
    counts = [count or 1 for count in record.samps_per_frame]
    samples = record.p_signal.T if most == 1 else on_one_rate(record.e_p_signal, counts, most)
    signal = finite_signal(path, samples[:, low - first * most : high - first * most], found.rate, names, "wfdb")
    units = [unit or "" for unit in record.units or [""] * len(names)]
    leads = find_leads(names, units)
    notes = (*signal.notes, *leads_note(path, names, units, leads), *rates_note(path, names, counts, most, found.rate))
    return replace(signal, leads=leads, notes=notes)


def _packed(path: Path) -> int:
    """Bytes of the files beside the header, which may all hold samples of it."""
    return sum(entry.stat().st_size for entry in os.scandir(path.parent) if is_file_entry(entry))


def wfdb_header(path: Path) -> SignalHeader:
    """Length and rate, both of the channel that has most samples in a frame. Raises DataError for a header that cannot
    be read or whose samples are not all there."""
    header = _ask(path, "rdheader")
    if not header.n_sig or not header.fs or header.fs <= 0:
        raise DataError(f"{path} names no signal or no sampling rate; it is no record of samples.")
    _check_numbers(path, header)
    if type(header).__name__ == "MultiRecord":
        most = _check_segments(path, header)
        return SignalHeader(
            int(header.sig_len or 0) * most, checked_rate(path, header.fs * most), channels=int(header.n_sig)
        )
    if len(header.file_name or ()) != header.n_sig or not all(header.file_name):
        raise DataError(f"{path} does not describe the {header.n_sig} signals that it promises; copy it again.")
    held = [_frames_held(path.parent / name, header, name) for name in dict.fromkeys(header.file_name)]
    known = [count for count in held if count is not None]
    length = max(0, min(known, default=0)) if header.sig_len is None else int(header.sig_len)
    if known and min(known) < length:
        raise DataError(
            f"{path} says {length} samples but its file of samples holds {max(0, min(known))}; it is cut off: copy or "
            "download it again."
        )
    most = max(count or 1 for count in header.samps_per_frame)
    return SignalHeader(length * most, checked_rate(path, header.fs * most), channels=int(header.n_sig))


def open_files(path: Path, files: Sequence[Path], annotator: str = "") -> Dataset:
    """The records ``files`` (headers) that have annotations of ``annotator``; the rest is left out and named.

    Args:
        path: that the user named, for sentences.
        files: that may be labelled.
        annotator: whose annotations are read.

    Returns:
        The data set.

    Raises:
        DataError: no record has any, or no interval is in them.
    """
    chosen = annotator or _choose(files)
    if not chosen:
        raise DataError(f"{path}: no record has a file of annotations beside it, such as {files[0].stem}.q1c.")
    problems: list[str] = []
    signals = open_each(path, files, lambda file, told: _labelled(file, chosen), problems, "record")
    pointed = [signal for signal in signals if not signal.intervals]  # they are no records of nothing
    problems += [f"{s.path} was left out: its {s.path.stem}.{chosen} marks points only." for s in pointed]
    signals = [signal for signal in signals if signal.intervals]
    if not signals:
        others = sorted({a for file in files for a in _annotators(file)} - {chosen})
        hint = f"; others there: {', '.join(others)} (name one as {path}:{others[0]})" if others else ""
        raise DataError(f"{path}: annotator {chosen} marks points only, not where a wave begins or ends{hint}.")
    return signal_dataset(path, signals, problems, WAVES)


def _labelled(file: Path, annotator: str) -> LabelledSignal:
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
    rate, frames = wfdb_header(path).rate, _ask(path, "rdheader").fs  # without a rate of its own a file counts frames
    scale = rate / (marks.rate or frames)
    return waves if scale == 1 else [shifted(wave, scale) for wave in waves]


def _choose(files: Iterable[Path]) -> str:
    """The annotator to take where none was asked for: the first of the list that most records have."""
    counts = Counter(annotator for file in files for annotator in _annotators(file))
    rank = {name: k for k, name in enumerate(ANNOTATORS)}
    return min(counts, key=lambda name: (rank.get(name, len(rank)), -counts[name], name), default="")


def _annotators(file: Path) -> list[str]:
    """What is beside the header under its name and may be annotations: no file of samples that the header names, and
    of an unusual suffix only what can be read as such."""
    samples = {line.split()[0] for line in header_lines(file)[1:]}
    beside = [p for p in file.parent.glob(f"{_escaped(file.stem)}.*") if p.stem == file.stem and p.name not in samples]
    found = [p for p in beside if p.suffix[1:].lower() not in NO_ANNOTATORS and is_file(p)]
    return [p.suffix[1:] for p in found if p.suffix[1:] in ANNOTATORS or _holds_marks(p)]


def _holds_marks(path: Path) -> bool:
    try:
        return bool(read_marks(path).samples)
    except DataError:
        return False


def _escaped(stem: str) -> str:
    return "".join(f"[{c}]" if c in "[]*?" else c for c in stem)


def _check_numbers(path: Path, header: Any) -> None:
    """Raises DataError where wfdb made another number of what the first line says: it reads ``1e3`` as 1."""
    told = header_lines(path)[0].split()[2:4]
    try:
        wanted = [float(re.split("[/(]", told[0])[0]), *map(int, told[1:])] if told else []
    except ValueError:
        wanted = [-1.0]
    if wanted != [float(header.fs), int(header.sig_len or 0)][: len(wanted)]:
        raise DataError(
            f"{path} says {' '.join(told)[:60]} for its rate and its number of samples; write both as plain numbers."
        )


def _check_segments(path: Path, header: Any) -> int:
    """Samples of a frame in the segments of a record.

    Raises:
        DataError: where their lengths are not that of the record, or samples are missing.
    """
    lengths = [int(length or 0) for length in header.seg_len]
    if min(lengths, default=0) < 0 or sum(lengths) != int(header.sig_len or 0):
        raise DataError(
            f"{path} says {header.sig_len} samples but its segments have {sum(lengths)}; copy or download it again."
        )
    most = 1
    for name, length in zip(header.seg_name, lengths):
        if name == "~":
            continue
        segment = path.with_name(f"{name}{HEADER}")
        own = _ask(segment, "rdheader")
        if type(own).__name__ == "MultiRecord" or not own.n_sig:
            raise DataError(f"{path} names {segment.name} as a segment, which holds no samples; copy it again.")
        most = max([most, *(count or 1 for count in own.samps_per_frame)])
        if length and wfdb_header(segment).length < length:
            raise DataError(f"{path} says that {segment.name} has {length} samples, but it is shorter; copy it again.")
    return most


def _frames_held(file: Path, header: Any, name: str) -> int | None:
    """Whole frames in a file of samples; None where its format does not tell.

    Raises:
        DataError: where the file is missing.
    """
    if not is_file(file):
        raise DataError(f"{file.with_suffix(HEADER)} has no samples: {name} is not beside it; copy it there.")
    own = [k for k, other in enumerate(header.file_name) if other == name]
    if any(header.fmt[k] in FLAC for k in own):
        return _flac_frames(file) // max(header.samps_per_frame[k] or 1 for k in own)
    if any(header.fmt[k] not in BYTES for k in own):
        return None
    frame = sum(BYTES[header.fmt[k]] * (header.samps_per_frame[k] or 1) for k in own)
    return int((file.stat().st_size - (header.byte_offset[own[0]] or 0)) / frame)


def _flac_frames(file: Path) -> int:
    try:
        return int(extra("soundfile", "WFDB records in FLAC").info(str(file)).frames)
    except RuntimeError as error:  # of libsndfile
        raise DataError(f"{file} is no FLAC that can be read ({reason(error)}); copy it again.") from error


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
