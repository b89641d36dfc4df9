"""Series of numbers: csv, npz and npy, with a table of intervals ``STEM.intervals.csv`` beside it.

A csv has a column for each channel and a row for each sample, perhaps names in its first line, and perhaps a column of
times, which gives the rate. An npz has ``samples`` ``[C, T]`` or ``[T]``, and perhaps ``rate`` (or times) and
``channel_names``; an npy is samples alone. The longer axis is time unless names or times say otherwise. Columns and
arrays are known by their usual names, see ``modalities/signals/tables/columns.py``, and what was guessed is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numpy_arrays import ArrayFile
from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.data.parsing.units import read_heading
from maskrcnn.errors import DataError, reason
from maskrcnn.modalities.signals.formats.series.about import TABLES
from maskrcnn.modalities.signals.formats.series.recognise import SAMPLES, plain_name
from maskrcnn.modalities.signals.formats.series.sample_tables import Samples, read_sample_table
from maskrcnn.modalities.signals.recording_format import TABLE
from maskrcnn.modalities.signals.signal import Signal, checked_rate, finite_signal, stretch
from maskrcnn.modalities.signals.tables.columns import is_time, rate_named, steady_rate, unit_of_times
from maskrcnn.modalities.signals.tables.interval_tables import (
    find_labels,
    read_intervals,
)
from maskrcnn.modalities.signals.tables.intervals import LabelledSignal
from maskrcnn.modalities.signals.tables.labelled_files import open_labelled_files

NAMES = frozenset({"channelnames", "channels", "chnames", "signame", "signames", "leads", "leadnames", "names"})
BYTES_A_SAMPLE = 12  # of memory beside the file's own number


def read(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop``.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: text or rows of other lengths in a csv (with the line's number), times that are not evenly spaced,
            an array of another form, no samples.
    """
    found = read_sample_table(path) if path.suffix.lower() in TABLES else _read_arrays(path)
    low, high = stretch(path, found.values.shape[1], start, stop)
    check_size(path, len(found.values) * (high - low), "samples", BYTES_A_SAMPLE)
    rate, unit = (checked_rate(path, found.rate), "s") if found.rate else (1.0, "samples")
    signal = finite_signal(path, found.values[:, low:high], rate, found.names, "series", unit)
    return replace(signal, notes=(*found.notes, *signal.notes))


def open_files(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The series ``files`` that have a table of intervals; the rest is left out and named.

    Args:
        path: that the user named, for sentences.
        files: that may be labelled.
        choice: of labels, as the user names it behind a colon.

    Returns:
        The data set.

    Raises:
        DataError: where none has, or a choice is asked for.
    """
    return open_labelled_files(path, files, choice, _labelled)


def _labelled(path: Path, problems: list[str]) -> LabelledSignal:
    labels = find_labels(path)
    if labels is None:
        raise DataError(f"it has no table {path.stem}{TABLE}.")
    signal = read(path)
    intervals = read_intervals(labels, signal.rate, problems)
    problems += signal.notes
    return LabelledSignal(path, signal.samples.shape[1], signal.rate, intervals)


def _read_arrays(path: Path) -> Samples:
    try:
        content = ArrayFile(path)
        if content.single:
            return _arranged(path, "samples", content[""], {})
        name = _choose(list(content))
        if name is None:
            raise DataError(f"{path} has no array named samples; it has {', '.join(content) or 'none'}.")
        beside = {key: content[key] for key in content if key != name and _is_beside(key)}
        return _arranged(path, name, content[name], beside)
    except DataError:
        raise
    except Exception as error:  # numpy meets broken files with errors of every kind
        raise DataError(
            f"{path} is no array that can be read ({reason(error)}); save it again with numpy.save."
        ) from error


def _arranged(path: Path, name: str, found: np.ndarray, beside: dict[str, np.ndarray]) -> Samples:
    """Samples ``[C, T]`` of an array, with what the arrays beside it say of its channels, times and rate."""
    if found.ndim not in (1, 2) or found.dtype.kind not in "fiub":
        raise DataError(f"{path}: {name} must be numbers of the form [T] or [C, T], not {found.shape} {found.dtype}.")
    samples, notes = np.atleast_2d(found), list[str]()
    names = next((tuple(map(str, v.reshape(-1))) for k, v in beside.items() if plain_name(k) in NAMES), ())
    clock = next(
        (k for k, v in beside.items() if is_time(read_heading(k)) and v.dtype.kind in "fiu" and v.size > 1), ""
    )
    count = beside[clock].size if clock else 0
    if _is_time_first(samples.shape, len(names), count):
        notes.append(f"{path}: {name} {found.shape} was taken for [T, C], samples along its first axis.")
        samples = samples.T
    rate = next((rate for k, v in beside.items() if v.size == 1 and (rate := rate_named(k, v.reshape(-1)[0]))), 0.0)
    if not rate and count and count == samples.shape[1]:
        rate = _rate_of(path, clock, beside[clock].reshape(-1).astype(np.float64))
        notes.append(f"{path}: {clock} was taken for the times of samples ({rate:g} Hz).")
    names = names if len(names) == len(samples) else tuple(f"channel {k}" for k in range(1, len(samples) + 1))
    return Samples(samples, rate, names, tuple(notes))


def _rate_of(path: Path, name: str, times: np.ndarray) -> float:
    unit, _ = unit_of_times(read_heading(name), times)
    rate, row = steady_rate(times * unit)
    if not rate:
        raise DataError(f"{path}: its {name} are not evenly spaced (sample {row}); resample the series first.")
    return rate


def _is_time_first(shape: tuple[int, ...], names: int, times: int) -> bool:
    """Whether an array of two axes has time along its first: as names or times beside it say, else if it is longer."""
    first, second = shape
    if first == second or 0 in shape:
        return False
    if names in shape and names != 1:
        return names == second
    return times == first if times in shape else second < first


def _choose(keys: Sequence[str]) -> str | None:
    """The array of samples in an npz: of a usual name, else the only one that is nothing else."""
    by_name = {plain_name(key): key for key in reversed(keys)}
    usual = next((by_name[name] for name in SAMPLES if name in by_name), None)
    others = [key for key in keys if not _is_beside(key)]
    return usual or (others[0] if len(others) == 1 else None)


def _is_beside(key: str) -> bool:
    """Whether an array of that name says something of the samples."""
    return plain_name(key) in NAMES or is_time(read_heading(key)) or bool(rate_named(key, 1.0))
