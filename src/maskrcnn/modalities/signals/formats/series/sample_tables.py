"""Tables of samples: a row for each sample and a column for each channel, with names, times and rates as people have
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.units import read_heading
from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.tables.columns import find_roles, is_time, rate_in_words, seconds_of, steady_rate
from maskrcnn.modalities.signals.tables.delimited import (
    Layout,
    column_names,
    find_layout,
    is_number,
    may_be_one_column,
    read_text,
    rows_of,
)


@dataclass(frozen=True)
class Samples:
    """What a file of numbers holds: values ``[C, T]``, samples a second (0: not told), C names, and what was guessed,
    one sentence each."""

    values: np.ndarray
    rate: float
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_sample_table(path: Path) -> Samples:
    """The channels of a table.

    Raises:
        DataError: no text, no samples, text or rows of other lengths (with the line's number), times that are not
            evenly spaced.
    """
    lines = read_text(path).splitlines()
    layout = find_layout(lines)
    if not any(line.strip() for line in lines[layout.first :]):
        raise DataError(f"{path} holds no samples; record or copy it again.")
    names = column_names(lines, layout)
    if layout.delimiter == "," and not names and may_be_one_column(lines[layout.first :]):
        raise DataError(
            f"{path} may hold one column with decimal commas or two of whole numbers; name the columns in its first "
            "line, or write decimal points."
        )
    table = _read_values(path, lines, layout, names)
    names = names[: table.shape[1]] if not any(names[table.shape[1] :]) else names
    if names and len(names) != table.shape[1]:
        raise DataError(
            f"{path}: line {layout.first + 1} has {table.shape[1]} cells but line {(layout.header or 0) + 1} names "
            f"{len(names)}; make them the same (decimal commas need semicolons or tabs between cells)."
        )
    roles = find_roles(names, table)
    if not roles.channels:
        raise DataError(f"{path} has times but no channel; add a column of samples.")
    rate = roles.rate or rate_in_words(layout.comments)
    if roles.time is not None:
        rate = _rate_of(path, table[:, roles.time] * roles.unit, layout)
    notes = [f"{path}: {note} ({rate:g} Hz)." if "times" in note else f"{path}: {note}." for note in roles.notes]
    if layout.decimal_comma:
        notes.append(f"{path}: its commas were read as decimal points.")
    told = [read_heading(name).text for name in names] or [""] * table.shape[1]
    channels = tuple(told[k] or f"channel {n}" for n, k in enumerate(roles.channels, start=1))
    return Samples(table[:, list(roles.channels)].T, rate, channels, tuple(notes))


def looks_like_samples(lines: Sequence[str]) -> bool:
    """Whether the first lines of a file are those of a table of samples: its first values are numbers or times."""
    layout = find_layout(lines)
    row = next((cells for _, cells in rows_of(lines, layout)), [])
    names = column_names(lines, layout)
    times = [k for k, name in enumerate(names) if is_time(read_heading(name))]
    return bool(row) and all(is_number(cell) or (k in times and _is_moment(cell)) for k, cell in enumerate(row))


def _read_values(path: Path, lines: Sequence[str], layout: Layout, names: Sequence[str]) -> np.ndarray:
    """The table ``[T, columns]``; moments as seconds."""
    if layout.delimiter and not layout.decimal_comma and not layout.surplus:
        try:  # the fast way knows no empty cells and does not say where a fault is
            return np.loadtxt(lines, delimiter=layout.delimiter, skiprows=layout.first, ndmin=2, comments=None)
        except ValueError:
            pass
    times = frozenset(k for k, name in enumerate(names) if is_time(read_heading(name)))
    rows: list[list[float]] = []
    for number, cells in rows_of(lines, layout):
        if not any(cells) and len(cells) < 2:
            continue
        if rows and len(cells) != len(rows[0]):
            raise DataError(f"{path}: line {number} has {len(cells)} cells, others have {len(rows[0])}; repair it.")
        rows.append([_value(path, number, cell, k in times) for k, cell in enumerate(cells)])
    return np.array(rows)


def _value(path: Path, number: int, cell: str, may_be_moment: bool) -> float:
    """An empty cell is a gap. Raises DataError with the number of the line for what is no number."""
    if is_number(cell):
        return float(cell) if cell else np.nan
    try:
        if may_be_moment:
            return seconds_of(cell)
    except ValueError:
        pass
    raise DataError(f"{path}: line {number} has {cell[:60]!r} where a number should be; repair or remove it.")


def _is_moment(cell: str) -> bool:
    try:
        seconds_of(cell)
    except ValueError:
        return False
    return True


def _rate_of(path: Path, times: np.ndarray, layout: Layout) -> float:
    """Samples a second of evenly spaced times in seconds."""
    rate, row = steady_rate(times)
    if not rate:
        line = layout.first + 1 + max(row, 0)
        raise DataError(f"{path}: the times are not evenly spaced (line {line}); resample the series first.")
    return rate
