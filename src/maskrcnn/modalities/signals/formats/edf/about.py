"""What EDF is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.modalities.signals.recording_format import RecordingFormat

SUFFIXES = (".edf", ".bdf")


def is_edf(path: Path) -> bool:
    """Whether the suffix is that of EDF or BDF."""
    return path.suffix.lower() in SUFFIXES


FORMAT = RecordingFormat(
    name="EDF (.edf, .bdf)",
    short="EDF",
    order=20,
    kind="wfdb",
    suffixes=SUFFIXES,
    is_file=is_edf,
)
