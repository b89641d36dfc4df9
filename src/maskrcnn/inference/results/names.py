"""What writers of results share: names that nobody has taken and any disk can hold, tables that are safe to open."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from maskrcnn.data.parsing.spreadsheets import quoted
from maskrcnn.errors import UsageError
from maskrcnn.files import LONGEST_NAME, atomic_write, resolved, shortened
from maskrcnn.models.head import Head
from maskrcnn.structures import Instances

CUTOUTS = "cutouts"  # the folder of cutouts, beside the pictures, whose names no cutout can take
NO_WORD = re.compile(r"[\W_]+")
LONGEST_PART = 60  # bytes of a class in a file's name
LONGEST_ENDING = 24  # bytes that are left for what follows a stem: -12.instances.nii.gz
LONGEST_NUMBERED = 100  # and for _cutout_123_, a class and .nii.gz


class FreeNames:
    """Names for the results of sources that may share a stem; letters of either case are one on some file systems.

    Args:
        endings: what may be written under a name: the name followed by each of them.
        reserved: names that no source gets.
    """

    def __init__(self, endings: Sequence[str] = ("",), reserved: Iterable[str] = ()) -> None:
        self.endings = tuple(endings)
        self.taken = {name.casefold() for name in reserved}
        self.latest: tuple[str, ...] = ()  # the name that was taken last

    def take(self, stem: str) -> str:
        """``stem``, or ``stem-2``, ``stem-3`` ... if a source before had it; a long one is cut."""
        stem = shortened(stem, LONGEST_NAME - LONGEST_ENDING)
        name, number = stem, 1
        while self.taken & self._files_of(name):
            number += 1
            name = f"{stem}-{number}"
        self.taken |= self._files_of(name)
        self.latest = (name,)
        return name

    def take_again(self, names: Iterable[str]) -> None:
        """Names that sources have from before."""
        for name in names:
            self.taken |= self._files_of(name)

    def _files_of(self, name: str) -> set[str]:
        return {f"{name}{ending}".casefold() for ending in self.endings}


def refuse_among_sources(out_dir: Path, source: Path, kind: str) -> None:
    """Refuse to write results or cutouts among the source files.

    Args:
        out_dir: of the results.
        source: a file or folder that is read.
        kind: what the sources are called, in the plural.

    Raises:
        UsageError: they would fall among them.
    """
    if resolved(source.parent) in (resolved(out_dir), resolved(out_dir / CUTOUTS)):
        raise UsageError(f"results in {out_dir} could overwrite the {kind} there: name another folder for them")


def shown_path(source: str | Path) -> str:
    """A source as results name it: a path with ``/`` on every system, an address as it is."""
    text = str(source)
    return text if "://" in text else Path(text).as_posix()


def source_path_of(source: str | Path) -> Path:
    """The path of a source, of an address without what follows a question mark."""
    text = str(source)
    return Path(urlsplit(text).path.rstrip("/") or "fetched") if "://" in text else Path(text)


def id_of(name: str) -> int | str:
    """A number where the name is one, as data sets count their images; else the name."""
    return int(name) if name.isdecimal() else name


def cutout_name(name: str, number: int, class_name: str) -> str:
    """Name the file of one object's cutout.

    Read from its end it has one meaning, so cutouts of different sources never share a name.

    Args:
        name: of the source.
        number: of the object.
        class_name: what is no letter or digit in it becomes a hyphen.

    Returns:
        ``<name>_cutout_<number>_<class>``.
    """
    name = shortened(name, LONGEST_NAME - LONGEST_NUMBERED)
    return f"{name}_cutout_{number}_{shortened(NO_WORD.sub('-', class_name)[:LONGEST_PART], LONGEST_PART)}"


def written_of_object(heads: Mapping[str, Head], found: Instances, i: int) -> dict[str, Any]:
    """Gather what further heads want written of an object.

    Args:
        heads: of the model, by name.
        found: the objects of an image.
        i: which of them.

    Returns:
        Values by name, as json can hold them.
    """
    return {key: value for head in heads.values() for key, value in head.written(found, i).items()}


def written_of_image(heads: Mapping[str, Head], found: Instances) -> dict[str, Any]:
    """What further heads want written of the image as a whole; nothing where none looks at whole images."""
    return {key: value for head in heads.values() for key, value in head.written_of_image(found).items()}


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with a line of column names.

    Args:
        path: of the file.
        columns: their names.
        rows: with a value for each column.
    """
    with atomic_write(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(safe_cells(columns))
        table.writerows(safe_cells(row) for row in rows)


def safe_cells(row: Sequence[Any]) -> list[Any]:
    """A row for a table that a spreadsheet may open: no text in it is a formula."""
    return [quoted(cell) if isinstance(cell, str) else cell for cell in row]
