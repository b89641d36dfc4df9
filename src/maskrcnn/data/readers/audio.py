"""Sound: WAV, FLAC and what else libsndfile reads, with labels of the same name beside it.

Labels are Audacity's label tracks (``STEM.txt``) or tables (``STEM.csv``), see ``data/interval_tables.py``;
``classes.txt`` may list the classes in order.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.interval_tables import find_labels, listed_classes, read_intervals
from maskrcnn.data.intervals import LabelledSignal, signal_dataset
from maskrcnn.data.recording import Signal, SignalHeader, checked_rate, extra, finite_signal, reason, stretch
from maskrcnn.data.records import Dataset
from maskrcnn.errors import DataError

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3"})
UNKNOWN_SIZE = 0xFFFFFFFF  # of a WAV that was written as a stream


def is_audio(path: Path) -> bool:
    """Whether the suffix is that of a sound."""
    return path.suffix.lower() in SUFFIXES


def read_audio(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop``, -1..1, channels as they are in the file.

    Raises:
        DataError: no sound, no samples.
    """
    header = audio_header(path)
    low, high = stretch(path, header.length, start, stop)
    samples, _ = _ask(path, "read", start=low, stop=high, dtype="float32", always_2d=True)
    if len(samples) == 0:
        raise DataError(f"{path} has no samples from {low} to {high}; it is cut off: copy it again.")
    count = samples.shape[1]
    names = ("left", "right") if count == 2 else tuple(f"channel {k}" for k in range(1, count + 1))
    signal = finite_signal(path, np.ascontiguousarray(samples.T), header.rate, names, "audio")
    return Signal(signal.samples, signal.rate, names, "audio", notes=(*header.notes, *signal.notes))


def audio_header(path: Path) -> SignalHeader:
    """Length and rate. Raises DataError for a file that is no sound."""
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); record or copy it again.")
    info = _ask(path, "info")
    missing = _missing_bytes(path)
    note = f"{path} is cut off before its end ({missing} bytes are missing); what is there was read."
    return SignalHeader(int(info.frames), checked_rate(path, info.samplerate), (note,) if missing else ())


def open_audio(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The sounds ``files`` that have labels beside them; the rest is left out and named.

    Raises:
        DataError: where none has, or a choice is asked for.
    """
    if choice:
        raise DataError(f"{path} has no {choice} to choose: name the folder, or a text file that lists recordings.")
    problems: list[str] = []
    signals = []
    for file in files:
        labels = find_labels(file)
        if labels is None:
            problems.append(f"{file} has no labels ({file.stem}.txt or .csv) and was left out.")
            continue
        try:
            header = audio_header(file)
            stretch(file, header.length, 0, None)
            signals.append(
                LabelledSignal(file, header.length, header.rate, read_intervals(labels, header.rate, problems))
            )
            problems += header.notes
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
    if not signals:
        raise DataError(f"{path}: not one recording can be used; the first fault: {problems[0]}")
    return signal_dataset(path, signals, problems, listed_classes(files))


def _missing_bytes(path: Path) -> int:
    """How many bytes of samples a WAV promises that the file does not hold; 0 for other formats."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        at = 12
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                return 0 if length >= UNKNOWN_SIZE - 64 else max(0, at + 8 + length - size)
            at += 8 + length + length % 2
    return 0


def _ask(path: Path, function: str, **options: Any) -> Any:
    """What a function of soundfile says of the file; it meets broken files with errors of several kinds."""
    soundfile = extra("soundfile", "sound")
    try:
        return getattr(soundfile, function)(str(path), **options)
    except Exception as error:
        what = reason(error).rpartition(": ")[2]
        raise DataError(f"{path} is no sound that can be read ({what}); save it as WAV or FLAC.") from error
