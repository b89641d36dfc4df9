"""What a WFDB record is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.files import is_file
from maskrcnn.modalities.signals.formats.wfdb.segments import HEADER
from maskrcnn.modalities.signals.recording_format import RecordingFormat

SAMPLES = ".dat"


def is_wfdb(path: Path) -> bool:
    """Whether ``path`` is a header, or the file of samples of one that lies beside it."""
    return path.suffix == HEADER or (path.suffix == SAMPLES and is_file(path.with_suffix(HEADER)))


FORMAT = RecordingFormat(
    name="WFDB records (.hea)",
    short="WFDB",
    order=10,
    kind="wfdb",
    suffixes=(HEADER,),
    beside=(SAMPLES,),
    is_file=is_wfdb,
)
