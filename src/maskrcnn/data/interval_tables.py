"""Labels of recordings as tables: Audacity's label tracks, and csv files with a row for each interval."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.data.intervals import Interval, Part, join_parts
from maskrcnn.data.labelled import read_lines
from maskrcnn.data.records import UNNAMED
from maskrcnn.data.spreadsheets import unquoted
from maskrcnn.errors import DataError
from maskrcnn.files import is_file

TABLE = ".intervals.csv"
STARTS, ENDS, NAMES = ("start", "onset", "begin"), ("end", "stop", "offset"), ("label", "class", "name", "type")
OBJECT = "object"  # the column that says which rows are parts of one object
IN_SAMPLES = "_sample"


def find_labels(path: Path) -> Path | None:
    """The labels beside a recording: ``STEM.txt`` (Audacity), ``STEM.intervals.csv`` or ``STEM.csv``."""
    tries = [path.with_suffix(suffix) for suffix in (".txt", TABLE, ".csv")]
    return next((file for file in tries if is_file(file) and file != path), None)


def listed_classes(files: Sequence[Path]) -> list[str]:
    """The classes in order, one a line, of ``classes.txt`` beside the first recording; none without it."""
    return read_lines(files[0].parent / "classes.txt") if files else []


def read_intervals(path: Path, rate: float, problems: list[str]) -> list[Interval]:
    """The intervals of a label file, in samples; a row that is none is left out and named.

    Args:
        path: of the file, ``.txt`` or ``.csv``.
        rate: of the recording.
        problems: is added to.

    Raises:
        DataError: where the file is no text, or a csv without the columns of intervals.
    """
    rows = read_csv_rows(path) if path.suffix.lower() == ".csv" else read_label_track(path)
    objects: dict[tuple[str, str], list[Part]] = {}
    for row in rows:
        try:
            part = _part(row, rate)
        except ValueError as error:
            problems.append(f"{path}: line {row.line} {error} and was left out.")
            continue
        objects.setdefault((row.name, row.key or f"line {row.line}"), []).append(part)
    return [Interval(name, join_parts(parts)) for (name, _), parts in objects.items()]


@dataclass(frozen=True)
class Row:
    """One line of a table, not looked at yet.

    Attributes:
        line: from 1.
        start, end: as written.
        name: of the class.
        in_samples: whether start and end count samples, not seconds.
        key: rows of one key (and name) are parts of one object; empty: an object of its own.
    """

    line: int
    start: str
    end: str
    name: str
    in_samples: bool = False
    key: str = ""


def read_label_track(path: Path) -> Iterator[Row]:
    """Lines ``start<tab>end<tab>label`` in seconds, as Audacity exports them; the frequencies of a spectral selection
    stand on a line of their own that begins with a backslash and are passed over."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip() and not line.startswith("\\"):
            start, end, name = [*line.split("\t", 2), "", ""][:3]
            yield Row(number, start, end, name.strip() or UNNAMED)


def read_csv_rows(path: Path) -> Iterator[Row]:
    """Rows of a csv with the columns ``start``, ``end`` (seconds) or ``start_sample``, ``end_sample`` (from 0; the end
    is the first sample behind), ``label``, and perhaps ``object``."""
    lines = csv.reader(_text(path).splitlines())
    header = [name.strip().lower() for name in next(lines, [])]
    if not header:
        return
    column = {name: header.index(name) for name in header}
    in_samples = any(name + IN_SAMPLES in column for name in STARTS)
    suffix = IN_SAMPLES if in_samples else ""
    start, end = (next((column[n + suffix] for n in names if n + suffix in column), None) for names in (STARTS, ENDS))
    if start is None or end is None:
        raise DataError(
            f"{path} is no table of intervals: its first line must name the columns start, end and label (seconds) or "
            "start_sample, end_sample and label."
        )
    name = next((column[n] for n in NAMES if n in column), None)
    for number, row in enumerate(lines, start=2):
        if any(cell.strip() for cell in row):
            cell = [*(value.strip() for value in row), *[""] * len(header)]
            key = cell[column[OBJECT]] if OBJECT in column else ""
            label = (unquoted(cell[name]) if name is not None else "") or UNNAMED
            yield Row(number, cell[start], cell[end], label, in_samples, key)


def _part(row: Row, rate: float) -> Part:
    """Raises ValueError, whose text goes on from "line 3 ...", for what is no interval."""
    try:
        start, end = (float(text.strip().replace(",", ".")) for text in (row.start, row.end))
    except ValueError:
        raise ValueError(f"does not begin with two numbers ({row.start!r}, {row.end!r})") from None
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError("has an end that is not finite")
    if start == end:
        raise ValueError("is a point, not an interval,")
    if start > end:
        raise ValueError("ends before it starts")
    scale = 1.0 if row.in_samples else rate
    return nearest_samples(start * scale, end * scale)


def nearest_samples(low: float, high: float) -> Part:
    """The samples whose centre lies in [low, high), at least one."""
    first, behind = math.ceil(low - 0.5), math.ceil(high - 0.5)
    return (first, behind) if first < behind else (math.floor(low), math.floor(low) + 1)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); write it again as UTF-8.") from error
