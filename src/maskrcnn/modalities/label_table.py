"""A table of labels of whole files: a row a file, with a class, several labels, or a number."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskrcnn.checks import counted
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, resolved
from maskrcnn.modalities.signals.tables.delimited import read_text

CLASSES, LABELS, NUMBER = "classes", "labels", "number"
FILE_COLUMNS = ("file", "filename", "file_name", "name", "path", "image", "recording", "scan", "id")
LABEL_COLUMNS = ("label", "labels", "class", "classes", "target", "score", "value")
YES, NO = ("1", "1.0", "yes", "true", "y"), ("0", "0.0", "no", "false", "n")
MISSING = ("nan", "na", "n/a", "null", "none", "?", "-")
FEW = 3  # sentences of one kind
BETWEEN = ";|"  # several labels of one file


@dataclass(frozen=True)
class LabelTable:
    """What a table says of files.

    Attributes:
        path: of the table.
        column: that holds the labels.
        kind: ``classes``: one of several for each file; ``labels``: any number of them, perhaps none; ``number``.
        class_names: of labels 1..K; of numbers the name of the column.
        values: by the name of the file as it stands in the table: float32 ``[K]`` of 0 and 1, or ``[1]``.
        problems: a sentence for each row that is left out.
    """

    path: Path
    column: str
    kind: str
    class_names: tuple[str, ...]
    values: dict[str, np.ndarray]
    problems: list[str] = field(default_factory=list)


def read_label_table(path: Path, choice: str = "") -> LabelTable:
    """Read a table of labels.

    A table has a row with the names of its columns. The column of the files is called ``file`` (or ``name``, ``path``
    ...) or is the first; that of the labels ``label``, or is the first of the others. ``0`` and ``1``, ``yes`` and
    ``no`` say whether a file has the one label that the column is named after; other numbers are numbers; of words each
    is a class, and ``a;b`` several labels of one file.

    Args:
        path: of the table, separated by commas, tabs or semicolons.
        choice: the column of the labels; empty: as above.

    Returns:
        The table.

    Raises:
        DataError: no such file or column, no row that can be used, or the same label in every row.
    """
    if not is_file(path):
        raise DataError(f"There is no table {path}; --labels takes a csv file with a row for each file: file, label.")
    header, rows = _rows(path)
    files, labels = _columns(path, header, choice)
    cells: dict[str, str] = {}
    problems: list[str] = []
    for line, row in rows:
        name, text = (row[k].strip() if k < len(row) else "" for k in (files, labels))
        if not name:
            problems.append(f"{path} line {line} names no file and was left out.")
        elif text.lower() in MISSING:
            problems.append(f"{path} line {line}: the label of {name} is {text!r}, so it was left out.")
        elif cells.setdefault(name, text) != text:
            problems.append(
                f"{path} line {line}: {name} is labelled twice, {cells[name]!r} and {text!r}; the first counts."
            )
    if not cells:
        raise DataError(
            f"{path} has no row with a file and a label" + (f"; the first fault: {problems[0]}" if problems else ".")
        )
    kind, names, values = _understood(path, header[labels], cells)
    return LabelTable(path, header[labels], kind, names, values, problems)


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each further row with its line."""
    lines = read_text(path).splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((sign for sign in "\t,;" if sign in first), ",")
    table = [(k, row) for k, row in enumerate(csv.reader(lines, delimiter=delimiter), 1) if any(c.strip() for c in row)]
    if len(table) < 2 or len(table[0][1]) < 2:
        raise DataError(
            f"{path} is no table of labels: its first line should read `file,label`, and each further "
            "one name a file and its label."
        )
    return [cell.strip() for cell in table[0][1]], table[1:]


def _columns(path: Path, header: Sequence[str], choice: str) -> tuple[int, int]:
    """Which column names the files, and which has the labels."""
    lower = [name.lower() for name in header]
    files = next((lower.index(name) for name in FILE_COLUMNS if name in lower), 0)
    if choice:
        if choice not in header:
            raise DataError(f"{path} has no column {choice}; it has {', '.join(header)}.")
        return files, header.index(choice)
    others = [k for k in range(len(header)) if k != files]
    return files, next((lower.index(name) for name in LABEL_COLUMNS if name in lower), others[0])


def _understood(path: Path, column: str, cells: dict[str, str]) -> tuple[str, tuple[str, ...], dict[str, np.ndarray]]:
    """The kind of labels, their names, and those of each file."""
    texts = {text.lower() for text in cells.values()}
    if texts <= {*YES, *NO}:
        _refuse_one(path, texts & set(YES), texts & set(NO), next(iter(cells.values())))
        return LABELS, (column,), {f: np.array([t.lower() in YES], dtype=np.float32) for f, t in cells.items()}
    if all(map(_is_number, texts)):
        if len({float(text) for text in texts}) == 1:
            raise DataError(_one_alone(path, next(iter(cells.values()))))
        return NUMBER, (column,), {file: np.array([float(text)], dtype=np.float32) for file, text in cells.items()}
    between = next((sign for sign in BETWEEN if any(sign in text for text in texts)), BETWEEN[0])
    own = {file: [part.strip() for part in text.split(between) if part.strip()] for file, text in cells.items()}
    counts = Counter(name for names in own.values() for name in set(names))
    names = tuple(sorted(counts))
    several = any(len(set(parts)) != 1 for parts in own.values())
    if len(names) == 1 and not several:
        raise DataError(_one_alone(path, names[0]))
    values = {file: np.isin(names, parts).astype(np.float32) for file, parts in own.items()}
    return LABELS if several else CLASSES, names, values


def _refuse_one(path: Path, yes: set[str], no: set[str], label: str) -> None:
    if not yes or not no:
        raise DataError(_one_alone(path, label))


def _one_alone(path: Path, label: str) -> str:
    return (
        f"Every file in {path} has the label {label}: with one class alone there is nothing to tell apart; add files "
        "that have another."
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def matched(table: LabelTable, files: Sequence[Path]) -> tuple[dict[Path, np.ndarray], list[str]]:
    """Bring the rows of a table and files together: by path, by name, or by name without suffixes.

    Args:
        table: of labels.
        files: that are there.

    Returns:
        The labels of each file that has a row, and a sentence for what was left out.

    Raises:
        DataError: no file has a row.
    """
    by_name: dict[str, list[Path]] = {}
    for file in files:
        for name in {
            str(file),
            str(resolved(file)),
            file.name,
            file.name.split(".")[0],
            f"{file.parent.name}/{file.name}",
        }:
            by_name.setdefault(name, []).append(file)
    found: dict[Path, np.ndarray] = {}
    gone, twice = [], []
    for name, value in table.values.items():
        tries = (str(resolved(table.path.parent / name)), name, Path(name).as_posix(), Path(name).name)
        own = next((by_name[key] for key in tries if key in by_name), None)
        if own is None:
            gone += [] if exists(table.path.parent / name) else [name]  # what is there belongs to another set
        elif len(own) > 1:
            twice.append(name)
        else:
            found[own[0]] = value
    before = f"{table.path} names "
    problems = _told(gone, before, "{}, which is not there and was left out", "{}, which are not there")
    problems += _told(twice, before, "{}, as several files are called; write paths", "{}, each the name of several")
    unlabelled = [str(file) for file in files if file not in found]
    row = f"no row in {table.path}"
    problems += _told(unlabelled, "", f"{{}} has {row} and was left out", f"{{}} have {row} and were left out")
    if not found:
        first = f"; the first row names {next(iter(table.values))}, the first file is {files[0]}" if files else ""
        raise DataError(f"No row of {table.path} names one of the {counted(len(files), 'file')}{first}.")
    return found, problems


def _told(names: Sequence[str], before: str, one: str, many: str) -> list[str]:
    """A sentence for each of a few, or one for many."""
    if len(names) <= FEW:
        return [f"{before}{one.format(name)}." for name in names]
    return [f"{before}{many.format(f'{len(names)} files ({names[0]}, {names[1]} ...)')}."]
