"""Series of numbers: csv, npz and npy, with a table of intervals ``STEM.intervals.csv`` beside it.

A csv has a column for each channel and a row for each sample, perhaps names in its first line, and perhaps a column
``time`` in seconds, which gives the rate. An npz has ``samples`` ``[C, T]`` or ``[T]``, and perhaps ``rate`` and
``channel_names``; an npy is samples alone, in which the longer axis is time.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskrcnn.data.array_files import wanted_arrays
from maskrcnn.data.interval_tables import ENDS, IN_SAMPLES, STARTS, TABLE, find_labels, listed_classes, read_intervals
from maskrcnn.data.intervals import LabelledSignal, signal_dataset
from maskrcnn.data.recording import Signal, finite_signal, reason, stretch
from maskrcnn.data.records import Dataset
from maskrcnn.data.size_limit import check_size
from maskrcnn.errors import DataError
from maskrcnn.files import is_file

SUFFIXES = frozenset({".csv", ".npz", ".npy"})
SAMPLES, RATES, NAMES = ("samples", "signal", "data", "x"), ("rate", "sampling_rate", "fs"), "channel_names"
WANTED = (*SAMPLES, *RATES, NAMES)
TIMES = frozenset({"time", "t", "seconds", "time_s", "time (s)", "time [s]"})
UNEVEN = 0.1  # of the median step: times further off are not evenly spaced
BYTES_A_SAMPLE = 12  # of memory beside the file's own number
MOST_CHANNELS = 64  # an npy with more rows and columns than this is taken for something else


def is_series(path: Path) -> bool:
    """Whether the file holds numbers of time: of a csv its first lines are looked at, of an npz the names in it."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or path.name.lower().endswith(TABLE) or not is_file(path):
        return False
    if is_file(path.with_suffix(TABLE)):
        return True
    looks_like = {".csv": _is_numeric, ".npz": _has_samples, ".npy": _is_long}[suffix]
    try:
        return looks_like(path)
    except Exception:  # archives meet broken bytes with errors of every kind
        return False


def read_series(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop``.

    Raises:
        DataError: text or rows of other lengths in a csv (with the line's number), times that are not evenly spaced,
            an array of another form, no samples.
    """
    samples, rate, names = _read_csv(path) if path.suffix.lower() == ".csv" else _read_arrays(path)
    low, high = stretch(path, samples.shape[1], start, stop)
    check_size(path, len(samples) * (high - low), "samples", BYTES_A_SAMPLE)
    unit = "s" if rate else "samples"
    return finite_signal(path, samples[:, low:high], rate or 1.0, names, "series", unit)


def open_series(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The series ``files`` that have a table of intervals; the rest is left out and named.

    Raises:
        DataError: where none has, or a choice is asked for.
    """
    if choice:
        raise DataError(f"{path} has no {choice} to choose: name the folder, or a text file that lists series.")
    problems: list[str] = []
    signals = []
    for file in files:
        labels = find_labels(file)
        if labels is None:
            problems.append(f"{file} has no table {file.stem}{TABLE} and was left out.")
            continue
        try:
            signal = read_series(file)
            intervals = read_intervals(labels, signal.rate, problems)
            signals.append(LabelledSignal(file, signal.samples.shape[1], signal.rate, intervals))
            problems += signal.notes
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
    if not signals:
        raise DataError(f"{path}: not one series can be used; the first fault: {problems[0]}")
    return signal_dataset(path, signals, problems, listed_classes(files))


def _read_csv(path: Path) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Samples ``[C, T]``, rate (0: not told) and names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); save it as UTF-8.") from error
    lines = text.splitlines()
    delimiter = _delimiter(lines)
    first = next(csv.reader(lines[:1], delimiter=delimiter), [])
    named = not all(map(_is_number, first))
    if not any(line.strip() for line in lines[named:]):
        raise DataError(f"{path} holds no samples; record or copy it again.")
    try:  # the fast way knows no empty cells and does not say where a fault is
        table = np.loadtxt(lines, delimiter=delimiter, skiprows=int(named), ndmin=2, comments=None)
    except ValueError:
        table = _read_rows(path, lines, delimiter, named)
    names = tuple(name.strip() or f"channel {k}" for k, name in enumerate(first, start=1))
    names = names if named else tuple(f"channel {k}" for k in range(1, table.shape[1] + 1))
    if len(names) != table.shape[1]:
        raise DataError(f"{path}: line 2 has {table.shape[1]} cells but line 1 names {len(names)}; make them the same.")
    time = next((k for k, name in enumerate(names) if named and name.lower() in TIMES), None)
    if time is None:
        return table.T, 0.0, names
    if len(names) == 1:
        raise DataError(f"{path} has times but no channel; add a column of samples.")
    keep = [k for k in range(len(names)) if k != time]
    return table[:, keep].T, _rate_of(path, table[:, time]), tuple(names[k] for k in keep)


def _read_rows(path: Path, lines: list[str], delimiter: str, named: bool) -> np.ndarray:
    """The table line by line; an empty cell is a gap. Raises DataError with the number of the line at fault."""
    rows: list[list[float]] = []
    for number, cells in enumerate(csv.reader(lines, delimiter=delimiter), start=1):
        if (number == 1 and named) or (len(cells) < 2 and not "".join(cells).strip()):
            continue
        if rows and len(cells) != len(rows[0]):
            raise DataError(f"{path}: line {number} has {len(cells)} cells, others have {len(rows[0])}; repair it.")
        text = next((cell for cell in cells if not _is_number(cell)), None)
        if text is not None:
            raise DataError(
                f"{path}: line {number} has {text.strip()!r} where a number should be; repair or remove it."
            )
        rows.append([float(cell) if cell.strip() else np.nan for cell in cells])
    return np.array(rows)


def _rate_of(path: Path, times: np.ndarray) -> float:
    """Samples a second of evenly spaced times in seconds."""
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0 or not (np.abs(steps - step) <= UNEVEN * step).all():
        row = int(np.argmax(~(np.abs(steps - step) <= UNEVEN * abs(step)))) + 3 if step > 0 else 2
        raise DataError(f"{path}: the times are not evenly spaced (line {row}); resample the series first.")
    return float((len(times) - 1) / (times[-1] - times[0]))


def _read_arrays(path: Path) -> tuple[np.ndarray, float, tuple[str, ...]]:
    try:
        content = np.load(path, allow_pickle=False, mmap_mode="r" if path.suffix.lower() == ".npy" else None)
        arrays = {"samples": content} if isinstance(content, np.ndarray) else wanted_arrays(path, WANTED)
    except DataError:
        raise
    except Exception as error:  # numpy meets broken files with errors of every kind
        raise DataError(
            f"{path} is no array that can be read ({reason(error)}); save it again with numpy.save."
        ) from error
    name = next((name for name in SAMPLES if name in arrays), next(iter(arrays)) if len(arrays) == 1 else None)
    if name is None:
        raise DataError(f"{path} has no array named samples; it has {', '.join(arrays) or 'none'}.")
    samples = arrays[name]
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fiub":
        raise DataError(
            f"{path}: {name} must be numbers of the form [T] or [C, T], not {samples.shape} {samples.dtype}."
        )
    samples = np.atleast_2d(samples)
    if path.suffix.lower() == ".npy" and 0 < samples.shape[1] < samples.shape[0]:
        samples = samples.T
    rate = next((float(arrays[k].reshape(-1)[0]) for k in RATES if k in arrays and arrays[k].size == 1), 0.0)
    names = tuple(map(str, arrays[NAMES].reshape(-1))) if NAMES in arrays else ()
    known = len(names) == len(samples)
    names = names if known else tuple(f"channel {k}" for k in range(1, len(samples) + 1))
    return samples, rate if np.isfinite(rate) and rate > 0 else 0.0, names


def _delimiter(lines: Sequence[str]) -> str:
    first = lines[0] if lines else ""
    return max(",;\t", key=first.count)


def _is_number(text: str) -> bool:
    """Whether a cell is a number or empty."""
    try:
        float(text or "nan")
    except ValueError:
        return not text.strip()
    return True


def _is_numeric(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as file:
        lines = [file.readline(), file.readline()]
    rows = [next(csv.reader([line], delimiter=_delimiter(lines)), []) for line in lines if line.strip()]
    header = {cell.strip().lower() for cell in rows[0]} if rows else set()
    labels = {name + tail for name in (*STARTS, *ENDS) for tail in ("", IN_SAMPLES)}
    return bool(rows) and len(header & labels) < 2 and all(map(_is_number, rows[-1]))


def _has_samples(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in SAMPLES if f"{name}.npy" in archive.namelist()), None)
        if name is None:
            return False
        with archive.open(f"{name}.npy") as member:
            read = np.lib.format.read_array_header_1_0
            if np.lib.format.read_magic(member) != (1, 0):
                read = np.lib.format.read_array_header_2_0
            return len(read(member)[0]) <= 2  # more axes are a volume's


def _is_long(path: Path) -> bool:
    shape = np.load(path, allow_pickle=False, mmap_mode="r").shape
    return len(shape) == 1 or (len(shape) == 2 and min(shape) <= MOST_CHANNELS)
