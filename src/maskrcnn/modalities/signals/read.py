"""Reads a recording in whichever known format it is."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from maskrcnn.data.parsing.unsupported import how_to_export
from maskrcnn.errors import DataError
from maskrcnn.files import exists, why_missing
from maskrcnn.modalities.signals.find import named_signal
from maskrcnn.modalities.signals.recording_format import RecordingFormat, format_of, recording_formats
from maskrcnn.modalities.signals.signal import Signal
from maskrcnn.structures import Record


def read_signal(path: str | Path, start: int = 0, stop: int | None = None) -> Signal:
    """Samples ``start`` to ``stop`` (None: to the end) of a recording; what kind it is, its suffix says.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: no such file, no signal, or one that is damaged.
        UsageError: the package that reads it is not installed.
    """
    path = named_signal(path) or Path(path)
    if not exists(path):
        raise DataError(why_missing(path))
    known = format_of(path) or _of_suffix(path)
    if known is not None:
        found: Signal = known.load("read", "read")(path, start, stop)
        return found
    told = how_to_export(path)
    raise DataError(
        f"{path} {told}" if told else f"{path} is no signal that can be read; known are {known_recordings()}."
    )


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


def _of_suffix(path: Path) -> RecordingFormat | None:
    """The format of a file that is not what its suffix says: reading it tells why."""
    return next((known for known in recording_formats() if path.suffix.lower() in known.suffixes), None)


def known_recordings() -> str:
    """The names of all formats, for a sentence."""
    *others, last = (known.name for known in recording_formats())
    return f"{', '.join(others)} and {last}"
