"""Tables of text: what separates their cells, which comma is a decimal point, and where their headings are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.data.parsing.units import hertz_in, seconds_in
from maskrcnn.errors import DataError

DELIMITERS = ";\t|,"  # in this order: a comma may belong to a number
COMMENTS = ("#", "%", "//")
LOOKED_AT = 64  # lines
COMMA_NUMBER = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
PADDED = re.compile(r"[-+]?\d+,0\d+|-0,\d+")  # nobody writes a whole number with zeros before it
SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)  # Excel's first line
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
UNITS = frozenset({"mv", "uv", "µv", "μv", "v", "mmhg", "nu", "g", "%", "bpm", "a.u.", "au", "pa", "degc", "°c", "adu"})


@dataclass(frozen=True)
class Layout:
    """How a table is written.

    Attributes:
        delimiter: between cells; empty: any white space.
        decimal_comma: whether a comma in a number is its decimal point.
        header: the line, from 0, that names the columns; None where none does.
        first: the first line, from 0, that holds values.
        surplus: empty cells at the end of each line, of a delimiter that ends it.
        comments: lines before the table that begin with ``#``, ``%`` or ``//``, without that.
    """

    delimiter: str
    decimal_comma: bool = False
    header: int | None = None
    first: int = 0
    surplus: int = 0
    comments: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        """The cells of one line, without space around them, decimal points in numbers."""
        if not self.delimiter:
            found = line.split()
        else:
            found = [cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter), [])]
        for _ in range(self.surplus):
            found = found[:-1] if len(found) > 1 and not found[-1] else found
        return [_with_point(cell) for cell in found] if self.decimal_comma else found


def read_text(path: Path) -> str:
    """The text of a file, UTF-8 or (by its mark) UTF-16.

    Raises:
        DataError: where it is neither.
    """
    try:
        return decode_text(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); write it again as UTF-8.") from error


def decode_text(content: bytes) -> str:
    """Text of UTF-8 or, by its mark, of UTF-16. Raises ValueError for anything else."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8-sig")
    return content.decode(encoding)


def find_layout(lines: Sequence[str], numeric: bool = True) -> Layout:
    """How the table in ``lines`` is written, from its first lines.

    Args:
        lines: of the table.
        numeric: whether all values are numbers, so that a first line of other words names the columns; else the first
            line always does.
    """
    start, comments, told = _before_table(lines)
    some = [line for line in lines[start : start + LOOKED_AT] if line.strip()]
    if not some:
        return Layout(",", comments=comments, first=start)
    delimiter = told or _delimiter(some)
    plain = Layout(delimiter)
    rows = [plain.cells(line) for line in some]
    values = rows if len(rows) == 1 else rows[1:]
    comma = any(COMMA_NUMBER.fullmatch(cell) for row in values for cell in row)
    surplus = _surplus(rows[0], values)
    layout = Layout(delimiter, comma, None, start, surplus, comments)
    named = not numeric or not all(map(is_number, layout.cells(some[0])))
    if not named:
        header = start - 1 if comments and _names_columns(layout, comments[-1], some[0]) else None
        return Layout(delimiter, comma, header, start, surplus, comments)
    header = lines.index(some[0], start)
    first = header + 1
    if numeric and len(some) > 1 and _are_units(layout.cells(some[1])):
        first = lines.index(some[1], first) + 1
    return Layout(delimiter, comma, header, first, surplus, comments)


def column_names(lines: Sequence[str], layout: Layout) -> list[str]:
    """What the table's header names its columns; nothing without one."""
    if layout.header is None:
        return []
    line = lines[layout.header]
    mark = next((mark for mark in COMMENTS if line.startswith(mark)), "")
    return Layout(layout.delimiter).cells(line.removeprefix(mark))


def rows_of(lines: Sequence[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Number (from 1) and cells of each line that holds values."""
    for number, line in enumerate(lines[layout.first :], start=layout.first + 1):
        if line.strip():
            yield number, layout.cells(line)


def is_number(text: str) -> bool:
    """Whether a cell is a number or empty."""
    try:
        float(text or "nan")
    except ValueError:
        return not text.strip()
    return True


def _before_table(lines: Sequence[str]) -> tuple[int, tuple[str, ...], str]:
    """Where the table begins, the comments before it, and the delimiter that Excel's first line tells."""
    comments, told = [], ""
    for k, line in enumerate(lines):
        mark = next((mark for mark in COMMENTS if line.startswith(mark)), None)
        separator = SEPARATOR.fullmatch(line.strip()) if k == 0 else None
        if separator:
            told = separator[1]
        elif mark is not None:
            comments.append(line.removeprefix(mark).strip())
        elif line.strip():
            return k, tuple(comments), told
    return len(lines), tuple(comments), told


def _delimiter(some: Sequence[str]) -> str:
    """What separates the cells of each of some lines; empty: white space."""
    values = some if len(some) == 1 else some[1:]
    for delimiter in DELIMITERS[:-1]:
        if all(delimiter in line.strip(" ") for line in values):
            return delimiter
    if _is_one_column(some, values):
        return ";"
    if any("," in line for line in some) and not all(_is_spaced(line) for line in values):
        return ","
    return "" if all(_is_spaced(line) for line in values) else ","


def _is_one_column(some: Sequence[str], values: Sequence[str]) -> bool:
    """Whether the commas of all lines are decimal points of one column: its heading has none, or a number is written
    as no whole number is."""
    if not all(COMMA_NUMBER.fullmatch(line.strip()) for line in values):
        return False
    named = "," not in some[0] and not is_number(some[0].strip())
    return named or (some[0].count(",") == 1 and any(PADDED.match(line.strip()) for line in values))


def may_be_one_column(lines: Sequence[str]) -> bool:
    """Whether lines may be one column with decimal commas as well as two of whole numbers: the same number of digits
    is behind the comma of each."""
    cells = [line.strip().partition(",") for line in lines[:LOOKED_AT] if line.strip()]
    widths = {len(right) for _, _, right in cells}
    return len(cells) > 1 and len(widths) == 1 and all(COMMA_NUMBER.fullmatch("".join(cell)) for cell in cells)


def _surplus(first: Sequence[str], values: Sequence[Sequence[str]]) -> int:
    """Empty cells at the end of every line, of which the first line names none."""
    width = min(map(len, values))
    count = 0
    while count + 1 < width and all(len(row) == width and not row[-1 - count] for row in values):
        if len(first) >= width - count and first[width - count - 1]:
            break
        count += 1
    return count


def _is_spaced(line: str) -> bool:
    """Whether a line is several numbers with space between them."""
    cells = line.split()
    return len(cells) > 1 and all(is_number(cell) or COMMA_NUMBER.fullmatch(cell) for cell in cells)


def _names_columns(layout: Layout, comment: str, first: str) -> bool:
    """Whether a comment is a header, as ``numpy.savetxt`` writes it."""
    names = layout.cells(comment)
    return len(names) == len(layout.cells(first)) and not any(cell and is_number(cell) for cell in names)


def _are_units(cells: Sequence[str]) -> bool:
    """Whether a line below the headings says units: no number, and one that is known."""
    plain = [cell.strip("'\"()[] ").lower() for cell in cells]
    if any(cell and is_number(cell) for cell in plain):
        return False
    return any(cell in UNITS or cell.startswith("hh:mm") or seconds_in(cell) or hertz_in(cell) for cell in plain)


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if COMMA_NUMBER.fullmatch(cell) else cell
