"""What a series of numbers is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.signals.recording_format import TABLE, RecordingFormat

TABLES, ARRAYS = (".csv", ".tsv"), (".npz", ".npy")
SUFFIXES = (*TABLES, *ARRAYS)


def is_series(path: Path) -> bool:
    """Whether the file holds numbers of time: of a csv its first lines are looked at, of an npz the names in it."""
    if path.suffix.lower() not in SUFFIXES or path.name.lower().endswith(TABLE) or not is_file(path):
        return False
    if has_table(path):
        return True
    from maskrcnn.modalities.signals.formats.series.recognise import looks_like_series  # what it holds is for it to see

    return looks_like_series(path)


def has_table(path: Path) -> bool:
    """Whether a table of labels lies beside a series."""
    return is_file(path.with_suffix(TABLE))


FORMAT = RecordingFormat(
    name="series of numbers (.csv, .npz, .npy)",
    short="csv, npz, npy",
    order=50,
    kind="series",
    suffixes=SUFFIXES,
    is_file=is_series,
    announces=has_table,
)
