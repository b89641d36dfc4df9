"""What writers of results share: names that nobody has taken, lists and tables written whole or not at all."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.models.head import Head
from maskrcnn.structures import Instances

CUTOUTS = "cutouts"  # the folder of cutouts, beside the pictures, whose names no cutout can take
NO_WORD = re.compile(r"[\W_]+")
LONGEST_PART = 60  # letters of a class in a file's name


class FreeNames:
    """Names for the results of sources that may share a stem; letters of either case are one on some file systems.

    Args:
        endings: what may be written under a name: the name followed by each of them.
        reserved: names that no source gets.
    """

    def __init__(self, endings: Sequence[str] = ("",), reserved: Iterable[str] = ()) -> None:
        self.endings = tuple(endings)
        self.taken = {name.casefold() for name in reserved}

    def take(self, stem: str) -> str:
        """``stem``, or ``stem-2``, ``stem-3`` ... if a source before had it."""
        name, number = stem, 1
        while self.taken & self._files_of(name):
            number += 1
            name = f"{stem}-{number}"
        self.taken |= self._files_of(name)
        return name

    def _files_of(self, name: str) -> set[str]:
        return {f"{name}{ending}".casefold() for ending in self.endings}


def refuse_among_sources(out_dir: Path, source: Path, kind: str) -> None:
    """Raises UsageError where results or cutouts would fall among the source files, ``kind`` in the plural."""
    if source.parent.resolve() in (out_dir.resolve(), (out_dir / CUTOUTS).resolve()):
        raise UsageError(f"results in {out_dir} could overwrite the {kind} there: name another folder for them")


def id_of(name: str) -> int | str:
    """A number where the name is one, as data sets count their images; else the name."""
    return int(name) if name.isdecimal() else name


def cutout_name(name: str, number: int, class_name: str) -> str:
    """``<name>_cutout_<number>_<class>``, the class with a hyphen for what is no letter or digit.

    Read from its end it has one meaning, so cutouts of different sources never share a name.
    """
    return f"{name}_cutout_{number}_{NO_WORD.sub('-', class_name)[:LONGEST_PART]}"


def written_of_object(heads: Mapping[str, Head], found: Instances, i: int) -> dict[str, Any]:
    """What further heads want written of object ``i``."""
    return {key: value for head in heads.values() for key, value in head.written(found, i).items()}


def written_of_image(heads: Mapping[str, Head], found: Instances, file_name: str) -> list[dict[str, Any]]:
    """The entry of ``images.json`` of one file, as a list; nothing where no head looks at whole images."""
    said = {key: value for head in heads.values() for key, value in head.written_of_image(found).items()}
    return [{"file_name": file_name, **said}] if said else []


def write_list(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """A JSON list, an entry a line."""
    with atomic_write(path) as beside:
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        beside.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A CSV with a line of column names."""
    with atomic_write(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)
