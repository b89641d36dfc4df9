"""EDF, EDF+ and BDF, the files of sleep laboratories and monitors: signals of several rates, annotations inside.

A signal's values are in its own physical unit. Labels are the annotations of EDF+ that last (their text is the class),
or a table or label track of the same name beside the file, which comes first. The kind is that of WFDB records, so one
model serves both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, MaskRCNNError, reason
from maskrcnn.modalities.signals.leads import find_leads, leads_note, on_one_rate, rates_note
from maskrcnn.modalities.signals.signal import Signal, checked_rate, extra, finite_signal, stretch
from maskrcnn.modalities.signals.tables.interval_tables import (
    find_labels,
    nearest_samples,
    read_intervals,
)
from maskrcnn.modalities.signals.tables.intervals import Interval, LabelledSignal
from maskrcnn.modalities.signals.tables.labelled_files import open_labelled_files

BYTES_STORED = 2  # of a sample in EDF, 3 in BDF
BYTES_A_SAMPLE = 16  # of memory: as stored, in physical units, on one rate, and without gaps
OF_ONE_CHANNEL = "@@"  # divides the text of an annotation from the channel that it is about
RECORDS_AT, RECORDS = 236, 8  # where a header says how many data records there are: bytes


def read(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop`` in physical units, at the highest rate among the leads of an ECG or, where there
    are none, among all channels; others are interpolated.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: damaged, no signals (annotations only), pauses between its data records (EDF+D).
        UsageError: edfio is not installed.
    """
    with _reading(path):
        file = _open(path)
        return _signal(path, file, start, stop)


def open_files(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The recordings ``files`` that have labels, inside or beside them; the rest is left out and named.

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
    with _reading(path):
        file = _open(path)
        signal = _signal(path, file, 0, None)
        annotations = file.annotations
    labels = find_labels(path)
    if labels is not None:
        intervals = read_intervals(labels, signal.rate, problems)
    else:
        intervals = _annotated(path, annotations, signal.rate, problems)
    problems += signal.notes
    return LabelledSignal(path, signal.samples.shape[1], signal.rate, intervals, group=path.stem)


def _annotated(path: Path, annotations: Sequence[Any], rate: float, problems: list[str]) -> list[Interval]:
    """The annotations that last, as intervals."""
    found = []
    for annotation in annotations:
        if annotation.duration and annotation.duration > 0:
            name = " ".join(annotation.text.split(OF_ONE_CHANNEL)[0].split()) or UNNAMED
            part = nearest_samples(annotation.onset * rate, (annotation.onset + annotation.duration) * rate)
            found.append(Interval(name, (part,)))
    points = len(annotations) - len(found)
    if not found:
        which = "its annotations mark points only" if points else "it has no annotations"
        raise DataError(f"{which}, and no table of intervals ({path.stem}.intervals.csv) is beside it.")
    if points:
        problems.append(f"{path}: annotations without a duration are points and were left out ({points}).")
    return found


def _open(path: Path) -> Any:
    edfio = extra("edfio", "EDF and BDF")
    check_size(path, path.stat().st_size // BYTES_STORED, "samples", BYTES_A_SAMPLE)
    file = (edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf)(path, header_encoding="latin-1")
    if not file.signals:
        raise DataError(f"{path} holds annotations only and no signal; name the recording that they belong to.")
    if not file.is_continuous:
        raise DataError(f"{path} has pauses between its data records (EDF+D); export it without them.")
    if not file.data_record_duration > 0:
        raise DataError(f"{path} says that a data record lasts {file.data_record_duration} s; correct its header.")
    return file


def _signal(path: Path, file: Any, start: int, stop: int | None) -> Signal:
    names = tuple(signal.label.strip() or f"signal {k}" for k, signal in enumerate(file.signals, start=1))
    units = [signal.physical_dimension.strip() for signal in file.signals]
    counts = [int(signal.samples_per_data_record) for signal in file.signals]
    if min(counts) < 1:
        raise DataError(f"{path} has a signal without samples ({names[counts.index(min(counts))]}); leave it out.")
    leads = find_leads(names, units)
    most = max(counts[k] for k in leads or range(len(counts)))
    rate = checked_rate(path, most / float(file.data_record_duration))
    samples = on_one_rate([signal.data for signal in file.signals], counts, most)
    low, high = stretch(path, samples.shape[1], start, stop)
    signal = finite_signal(path, samples[:, low:high], rate, names, "wfdb")
    told, held = _records(path), samples.shape[1] // most
    cut = f"{path} is cut off before its end ({held} of {told} data records are there); what is there was read."
    notes = [*signal.notes, *leads_note(path, names, units, leads), *rates_note(path, names, counts, most, rate)]
    return replace(signal, leads=leads, notes=(*([cut] if told > held else []), *notes))


def _records(path: Path) -> int:
    """The number of data records that the header says; -1 of a recording that was not closed."""
    with path.open("rb") as file:
        file.seek(RECORDS_AT)
        return int(file.read(RECORDS))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside becomes a DataError that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MaskRCNNError:
        raise
    except Exception as error:  # broken headers are met with errors of every kind
        raise DataError(f"{path} is no EDF that can be read ({reason(error)}); copy it again.") from error
