"""Labels of recordings as tables: Audacity's label tracks, and tables with a row for each interval."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskrcnn.data.dataset import UNNAMED
from maskrcnn.data.parsing.spreadsheets import unquoted
from maskrcnn.data.parsing.text import read_lines
from maskrcnn.data.parsing.units import Heading, read_heading, seconds_in
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.signals.recording_format import TABLE
from maskrcnn.modalities.signals.tables.columns import seconds_of
from maskrcnn.modalities.signals.tables.delimited import column_names, find_layout, read_text, rows_of
from maskrcnn.modalities.signals.tables.intervals import Interval, Part, join_parts

OBJECT = "object"  # the column that says which rows are parts of one object
OF = r"(?:event|segment|seg|word|phone|phoneme|note|call|annotation|label|region|interval|t|time)?"
AT = r"(?:time|times|t|position|pos|point)?(?P<samples>samples?|sampleindex|sampleidx|index|idx)?"
START = re.compile(rf"(?:t0|{OF}(?:start|onset|begin|beginning|from|min|xmin|begins|starts|on){AT})")
END = re.compile(rf"(?:t1|{OF}(?:end|stop|offset|finish|ending|to|until|max|xmax|ends|stops|off){AT})")
LENGTH = re.compile(rf"{OF}(?:duration|dur|length){AT}")
CLASSES = ("label", "class", "name", "type")  # nothing is guessed of these
OF_CLASSES = re.compile(
    r"label|class|categ|species|type|annot|descri|event|phone|word|text|symbol|tag|name|comment|state"
)
FILES = re.compile("(?:audio|begin|wav|sound|source)?(?:file|filepath|fname|path|recording|record|wav)(?:name)?")


def find_labels(path: Path) -> Path | None:
    """The labels beside a recording: ``STEM.txt`` (Audacity), ``STEM.intervals.csv``, ``STEM.csv`` or ``STEM.tsv``."""
    tries = [path.with_suffix(suffix) for suffix in (".txt", TABLE, ".csv", ".tsv")]
    return next((file for file in tries if is_file(file) and file != path), None)


def listed_classes(files: Sequence[Path]) -> list[str]:
    """The classes in order, one a line, of ``classes.txt`` beside the first recording; none without it."""
    return read_lines(files[0].parent / "classes.txt") if files else []


def read_intervals(path: Path, rate: float, problems: list[str]) -> list[Interval]:
    """The intervals of a label file, in samples; a row that is none is left out and named.

    Args:
        path: of the file, ``.txt`` or a table.
        rate: of the recording.
        problems: is added to.

    Returns:
        The intervals, in samples.

    Raises:
        DataError: where the file is no text, a table without the columns of intervals, or has lines of which not one
            is an interval: that is no recording without objects.
    """
    is_track = not _has_headings(path) and (path.suffix.lower() == ".txt" or _begins_with_numbers(path))
    rows = read_label_track(path) if is_track else read_table(path, problems)
    objects: dict[tuple[str, str], list[Part]] = {}
    faults: list[str] = []
    for row in rows:
        try:
            part = _part(row, rate)
        except ValueError as error:
            faults.append(f"{path}: line {row.line} {error} and was left out.")
            continue
        objects.setdefault((row.name, row.key or f"line {row.line}"), []).append(part)
    if faults and not objects:
        first = faults[0].removeprefix(f"{path}: ")
        raise DataError(f"{path}: not one of its {len(faults)} lines is an interval; the first fault: {first}")
    problems += faults
    return [Interval(name, join_parts(parts)) for (name, _), parts in objects.items()]


@dataclass(frozen=True)
class Row:
    """One line of a table, not looked at yet.

    Attributes:
        line: from 1.
        start, end: as written.
        name: of the class.
        unit: seconds in one of the unit of start; None where start and end count samples.
        end_unit: the same of end.
        key: rows of one key (and name) are parts of one object; empty: an object of its own.
        is_length: whether ``end`` is how long the interval is.
    """

    line: int
    start: str
    end: str
    name: str
    unit: float | None = 1.0
    end_unit: float | None = 1.0
    key: str = ""
    is_length: bool = False


def read_label_track(path: Path) -> Iterator[Row]:
    """Lines ``start<tab>end<tab>label`` in seconds, as Audacity exports them, or with space or semicolons between; the
    frequencies of a spectral selection stand on a line of their own that begins with a backslash and are passed over.
    """
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip() and not line.startswith(("\\", "#")):
            start, end, name = [*line.split(_between(line), 2), "", ""][:3]
            yield Row(number, start, end, name.strip() or UNNAMED)


def read_table(path: Path, problems: list[str]) -> Iterator[Row]:
    """Rows of a table with columns for where an interval starts and for where it ends (or how long it is), in seconds
    or another unit that the heading names, or in samples (from 0; the end is the first sample behind), and perhaps its
    class and an ``object``.

    Args:
        path: of the file.
        problems: is told what was guessed.

    Raises:
        DataError: where there are no such columns.
    """
    lines = read_text(path).splitlines()
    if not any(line.strip() for line in lines):
        return
    layout = find_layout(lines, numeric=False)
    headings = [read_heading(name) for name in column_names(lines, layout)]
    sides = _find_sides(headings)
    if sides is None:
        raise DataError(
            f"{path} is no table of intervals: its first line must name the columns start, end and label (seconds) or "
            "start_sample, end_sample and label."
        )
    start, end, is_length = sides
    rows = [(number, [*cells, *[""] * len(headings)]) for number, cells in rows_of(lines, layout) if any(cells)]
    rows = _of_this_recording(path, headings, rows, problems)
    name = _find_classes(path, headings, {start, end}, rows, problems)
    key = next((k for k, heading in enumerate(headings) if heading.name == OBJECT and k != name), None)
    units = _unit_of(headings[start]), _unit_of(headings[end])
    for number, cell in rows:
        label = (unquoted(cell[name]) if name is not None else "") or UNNAMED
        yield Row(number, cell[start], cell[end], label, *units, "" if key is None else cell[key], is_length)


def names_intervals(names: Sequence[str]) -> bool:
    """Whether headings are those of a table of intervals."""
    return _find_sides([read_heading(name) for name in names]) is not None


def _between(line: str) -> str | None:
    """What separates the cells of a line of a label track; None: white space."""
    return next((sign for sign in "\t;," if all(map(_is_number, [*line.split(sign), "x"][:2]))), None)


def _begins_with_numbers(path: Path) -> bool:
    """Whether a table has no headings but two numbers in its first line."""
    first = next((line for line in read_text(path).splitlines() if line.strip()), "")
    return _between(first) is not None


def _has_headings(path: Path) -> bool:
    lines = read_text(path).splitlines()
    return bool(lines) and names_intervals(column_names(lines, find_layout(lines, numeric=False)))


def _find_sides(headings: Sequence[Heading]) -> tuple[int, int, bool] | None:
    """The columns of starts and of ends, in samples where there are such, and whether ends are lengths."""
    for in_samples in (True, False):
        found = [
            next((k for k, h in enumerate(headings) if _is_side(side, h) and (_unit_of(h) is None) == in_samples), None)
            for side in (START, END, LENGTH)
        ]
        start, end, length = found
        if start is not None and end is not None:
            return start, end, False
        if start is not None and length is not None:
            return start, length, True
    return None


def _is_side(side: re.Pattern[str], heading: Heading) -> bool:
    in_time = not heading.unit or seconds_in(heading.unit) is not None or heading.unit.startswith("sample")
    return in_time and side.fullmatch(heading.name) is not None


def _unit_of(heading: Heading) -> float | None:
    """Seconds in one of the unit of a column; None for samples."""
    match = next((found for side in (START, END, LENGTH) if (found := side.fullmatch(heading.name))), None)
    if heading.unit.startswith("sample") or (match and match["samples"]):
        return None
    return seconds_in(heading.unit) or 1.0


def _of_this_recording(
    path: Path, headings: Sequence[Heading], rows: list[tuple[int, list[str]]], problems: list[str]
) -> list[tuple[int, list[str]]]:
    """The rows that name this recording, where a column names any."""
    column = next((k for k, heading in enumerate(headings) if FILES.fullmatch(heading.name)), None)
    if column is None or not rows:
        return rows
    stem = path.name.lower().removesuffix(TABLE).rpartition(".")[0] or path.name.lower().removesuffix(TABLE)
    named = [PurePosixPath(cell[column].replace("\\", "/")).name.lower() for _, cell in rows]
    own = [row for row, name in zip(rows, named) if name in (stem, "") or name.rpartition(".")[0] == stem]
    if not own:
        problems.append(f"{path}: its rows name {named[0]}, not {stem}, and were taken for this recording's.")
        return rows
    if len(own) < len(rows):
        problems.append(f"{path}: {len(rows) - len(own)} rows name other recordings and were left out.")
    return own


def _find_classes(
    path: Path, headings: Sequence[Heading], taken: set[int], rows: list[tuple[int, list[str]]], problems: list[str]
) -> int | None:
    """The column of classes: of a usual name, else the only one of words; what was guessed is told."""
    exact = next((k for name in CLASSES for k, h in enumerate(headings) if h.name == name and k not in taken), None)
    if exact is not None:
        return exact
    rest = [k for k, h in enumerate(headings) if k not in taken and h.name != OBJECT and not FILES.fullmatch(h.name)]
    rest = [k for k in rest if not START.fullmatch(headings[k].name) and not END.fullmatch(headings[k].name)]
    usual = [k for k in rest if OF_CLASSES.search(headings[k].name)]
    usual.sort(key=lambda k: headings[k].name.endswith(("id", "index", "no", "number")))
    words = [k for k in rest if any(cell[k] for _, cell in rows) and not any(_is_number(cell[k]) for _, cell in rows)]
    found = usual[0] if usual else words[0] if len(words) == 1 else None
    if found is not None:
        problems.append(f"{path}: column {headings[found].text!r} was taken for the classes.")
    elif rest:
        listed = ", ".join(repr(headings[k].text) for k in rest[:6])
        problems.append(f"{path}: no column of classes was found among {listed}; each interval is of class {UNNAMED}.")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _seconds_or_samples(text: str) -> float:
    """A number, perhaps with a decimal comma, or a time such as ``0:01:02.5``. Raises ValueError for anything else."""
    return seconds_of(text) if ":" in text else float(text.strip().replace(",", "."))


def _part(row: Row, rate: float) -> Part:
    """Raises ValueError, whose text goes on from "line 3 ...", for what is no interval."""
    try:
        start, end = map(_seconds_or_samples, (row.start, row.end))
    except ValueError:
        raise ValueError(f"does not begin with two numbers ({row.start[:40]!r}, {row.end[:40]!r})") from None
    low, high = (
        side * (1.0 if unit is None else unit * rate) for side, unit in ((start, row.unit), (end, row.end_unit))
    )
    high = low + high if row.is_length else high
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("has an end that is not finite")
    if low == high:
        raise ValueError("is a point, not an interval,")
    if low > high:
        raise ValueError("ends before it starts")
    return nearest_samples(low, high)


def nearest_samples(low: float, high: float) -> Part:
    """The samples whose centre lies in [low, high), at least one."""
    first, behind = math.ceil(low - 0.5), math.ceil(high - 0.5)
    return (first, behind) if first < behind else (math.floor(low), math.floor(low) + 1)
