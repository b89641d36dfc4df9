"""What a format of recordings says of itself, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.modalities.listing import Format, list_formats

FOLDER = "maskrcnn.modalities.signals.formats"
TABLE = ".intervals.csv"  # ends the name of a table of labels beside a recording


@dataclass(frozen=True, kw_only=True)
class RecordingFormat(Format):
    """A format of recordings. Its ``read.py`` has ``read(path, start, stop)``, which gives a ``Signal``, and
    ``open_files(path, files, choice)``, which gives the ``Dataset`` of labelled ones.

    Attributes:
        kind: of its files, see :class:`maskrcnn.data.dataset.Dataset`.
        suffixes: of the files that are named to open one, with their dots, in lower case.
        is_file: whether a file is one; by its name, and where that is not enough by what it says.
        beside: suffixes of further files that a recording is made of.
        packed: whether it may have ``.gz`` behind its suffix.
        announces: whether such a file in a folder makes it one of recordings; tables lie in folders of images too.
    """

    kind: str
    suffixes: tuple[str, ...]
    is_file: Callable[[Path], bool]
    beside: tuple[str, ...] = ()
    packed: bool = False
    announces: Callable[[Path], bool] = lambda path: True

    def endings(self) -> tuple[str, ...]:
        """What the names of its files may end with."""
        own = (*self.suffixes, *self.beside)
        return (*own, *(f"{suffix}.gz" for suffix in self.suffixes)) if self.packed else own


def recording_formats() -> tuple[RecordingFormat, ...]:
    """All that there are, in the order in which they are asked."""
    return list_formats(FOLDER, RecordingFormat)


def format_of(path: Path) -> RecordingFormat | None:
    """The first format that a file is of."""
    return next((known for known in recording_formats() if known.is_file(path)), None)
