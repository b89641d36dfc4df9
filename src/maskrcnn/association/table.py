"""A table with a row for each file: text, separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskrcnn.checks import closest, few, listed
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_file, resolved, why_missing

FILE_COLUMNS = ("file", "file_name", "filename", "path", "scan", "image", "recording", "subject", "participant_id")
MISSING = {"", "nan", "na", "n/a", "none", "null", "-", "."}  # what stands for no value, in small letters


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        path: of the file.
        file_column: which column names files.
        columns: the cells of each column, by its name, in the order of the rows.
    """

    path: Path
    file_column: str
    columns: Mapping[str, tuple[str, ...]]

    @property
    def files(self) -> tuple[str, ...]:
        """What each row calls its file."""
        return self.columns[self.file_column]

    def column(self, name: str, flag: str) -> tuple[str, ...]:
        """The cells of a column.

        Args:
            name: as the user says it.
            flag: that names it, for the sentence.

        Raises:
            UsageError: there is no such column.
        """
        if name not in self.columns:
            others = [own for own in self.columns if own != self.file_column]
            near = closest(name, others)
            hint = f"did you mean {near}?" if near else f"it has {listed(others, 'and')}." if others else "it has none."
            raise UsageError(f"{self.path} has no column {name}, which {flag} names; {hint}")
        return self.columns[name]


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.strip().lower() in MISSING


def read_table(path: Path) -> Table:
    """Read a table whose first row names the columns.

    The column of files is the first that is called as one is (file, path, subject ...), else the first.

    Raises:
        DataError: no such file, no text, or rows of different lengths.
    """
    if not is_file(path):
        raise DataError(why_missing(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is no table of text in UTF-8; save it as CSV.") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise DataError(f"{path} holds no rows; give a first row of names, and a row for each file.")
    first = lines[0]
    separator = max("\t;,", key=first.count)
    head, *rows = csv.reader(lines, delimiter=separator)
    names = [name.strip() for name in head]
    if len(set(names)) < len(names):
        raise DataError(f"{path} has two columns of one name in its first row; rename one of them.")
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise DataError(f"{path} has {len(names)} columns, but row {number} has {len(row)} cells; correct it.")
    columns = {name: tuple(row[k].strip() for row in rows) for k, name in enumerate(names)}
    own = next((name for name in names if name.lower() in FILE_COLUMNS), names[0])
    return Table(path, own, columns)


@dataclass(frozen=True)
class Matched:
    """Which row belongs to which file.

    Attributes:
        rows: the number of the row of each file that has one, by its path, in the order of the files.
        without_row: files that no row names.
        without_file: what rows name that is none of the files.
    """

    rows: Mapping[Path, int]
    without_row: tuple[Path, ...]
    without_file: tuple[str, ...]


def match_rows(table: Table, paths: Sequence[Path], stem_of: Callable[[Path], str]) -> Matched:
    """Find the row of each file: by its path from the table's folder or from here, or by the end of its path, with or
    without suffix.

    Args:
        table: with a column of files.
        paths: of the files.
        stem_of: a file's name without its suffixes.

    Returns:
        The row of each file, and what has no counterpart.

    Raises:
        DataError: a row that two files answer to, or a file with two rows.
    """
    whole = {os.fspath(resolved(path)): path for path in paths}
    ends: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        parts = resolved(path).parts
        for last in {path.name, stem_of(path)}:
            for k in range(1, len(parts) + 1):
                ends.setdefault((*parts[len(parts) - k : -1], last), []).append(path)
    rows: dict[Path, int] = {}
    lost = []
    for number, cell in enumerate(table.files):
        near = [whole.get(os.fspath(resolved(base / cell))) for base in (table.path.parent, Path())]
        found = [path for path in near if path is not None][:1]
        found = found or ends.get(PurePosixPath(cell.replace("\\", "/")).parts, [])
        if len(found) > 1:
            raise DataError(
                f"{table.path} names {cell}, and {listed([str(path) for path in found[:3]], 'and')} are called so: "
                "write more of the path into the table."
            )
        if not found:
            lost.append(cell)
        elif found[0] in rows:
            raise DataError(f"{table.path} has two rows for {found[0]}; keep one of them.")
        else:
            rows[found[0]] = number
    if not rows:
        raise DataError(
            f"{table.path} names none of the {len(paths)} files in its column {table.file_column} ({few(lost)}): "
            f"write their names there, such as {paths[0].name}."
        )
    ordered = {path: rows[path] for path in paths if path in rows}
    return Matched(ordered, tuple(path for path in paths if path not in rows), tuple(lost))
