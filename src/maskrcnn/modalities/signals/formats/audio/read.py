"""Sound: WAV, FLAC and what else libsndfile reads, with labels of the same name beside it.

Labels are Audacity's label tracks (``STEM.txt``) or tables (``STEM.csv``), see ``tables/interval_tables.py``;
``classes.txt`` may list the classes in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, reason
from maskrcnn.modalities.signals.formats.audio.wav_header import Patched, wav_size
from maskrcnn.modalities.signals.signal import Signal, SignalHeader, checked_rate, extra, finite_signal, stretch
from maskrcnn.modalities.signals.tables.interval_tables import find_labels, read_intervals
from maskrcnn.modalities.signals.tables.intervals import LabelledSignal
from maskrcnn.modalities.signals.tables.labelled_files import open_labelled_files

BYTES_A_SAMPLE = 12  # of memory: as it is read, with its channels apart, and without gaps
ENDLESS = 1 << 62  # frames: what libsndfile says of a stream that does not


def read(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop``, -1..1, channels as they are in the file.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: no sound, no samples.
    """
    header = audio_header(path)
    low, high = stretch(path, header.length, start, stop)
    check_size(path, (high - low) * header.channels, "samples", BYTES_A_SAMPLE)
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
    missing = wav_size(path).missing
    note = f"{path} is cut off before its end ({missing} bytes are missing); what is there was read."
    if info.frames >= ENDLESS:
        raise DataError(f"{path} does not say how many samples it holds, as a stream does not; save it as WAV.")
    rate = checked_rate(path, info.samplerate)
    return SignalHeader(int(info.frames), rate, (note,) if missing else (), int(info.channels))


def open_files(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The sounds ``files`` that have labels beside them; the rest is left out and named.

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
        raise DataError(f"it has no labels ({path.stem}.txt or .csv).")
    header = audio_header(path)
    stretch(path, header.length, 0, None)
    intervals = read_intervals(labels, header.rate, problems)
    problems += header.notes
    return LabelledSignal(path, header.length, header.rate, intervals)


def _ask(path: Path, function: str, **options: Any) -> Any:
    """What a function of soundfile says of the file; it meets broken files with errors of several kinds."""
    soundfile = extra("soundfile", "sound")
    try:
        repairs = wav_size(path).repairs
        if not repairs:
            return getattr(soundfile, function)(str(path), **options)
        with Patched(path, repairs) as file:
            return getattr(soundfile, function)(file, **options)
    except Exception as error:
        what = reason(error).rpartition(": ")[2]
        raise DataError(f"{path} is no sound that can be read ({what}); save it as WAV or FLAC.") from error
