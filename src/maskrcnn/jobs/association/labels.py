"""What a table says of the files that are asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.association.design import Design, Variable, check_possible, design_of, variable_of
from maskrcnn.association.table import Table, is_missing, match_rows, read_table
from maskrcnn.checks import counted, few
from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.association.options import AssociateOptions


@dataclass(frozen=True)
class Known:
    """Files of which the table says all that is asked for.

    Attributes:
        paths: of the n files.
        by: the column that is asked about.
        cells: n texts of each column that is used, by its name.
        left_out: a sentence for each reason why files or rows are left out.
        missing: a sentence for each row whose file is not there.
        options: what was asked for.
    """

    paths: tuple[Path, ...]
    by: str
    cells: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    options: AssociateOptions

    def variables(self, kept: Sequence[int]) -> dict[str, Variable]:
        """The columns of the files that are kept, the one that is asked about first."""
        found = {}
        for name, cells in self.cells.items():
            own = [cells[k] for k in kept]
            mine = name == self.by
            found[name] = variable_of(name, own, mine and self.options.classes, self.options.group if mine else "")
        return found

    def design(self, kept: Sequence[int]) -> Design:
        """The linear model of the files that are kept.

        Raises:
            DataError: nothing can be tested with it.
        """
        label, *confounders = self.variables(kept).values()
        design = design_of(label, confounders)
        check_possible(design, self.options.p)
        return design

    def shown(self, kept: Sequence[int]) -> tuple[np.ndarray, list[str]]:
        """The label of each file that is kept as a number to draw, and the names of its classes, if it has such."""
        label = self.variables(kept)[self.by]
        if label.classes:
            return label.columns @ np.arange(1, label.columns.shape[1] + 1), list(label.classes)
        return label.columns[:, 0], []


def known_files(options: AssociateOptions, paths: Sequence[Path], stem_of: Callable[[Path], str]) -> Known:
    """Find what the table says of each file.

    Args:
        options: the table and its columns.
        paths: of the files.
        stem_of: a file's name without its suffixes.

    Returns:
        The files of which it says all.

    Raises:
        UsageError: a column that is not there.
        DataError: a table that cannot be read, or that names none of the files.
    """
    table = read_table(options.table)
    by = options.by or _only_column(table, options)
    columns = {by: table.column(by, "--by")}
    columns |= {name: table.column(name, "--adjust") for name in options.confounders}
    matched = match_rows(table, paths, stem_of)
    empty = {path: name for path, row in matched.rows.items() for name in columns if is_missing(columns[name][row])}
    kept = [path for path in matched.rows if path not in empty]
    left_out = []
    if matched.without_row:
        left_out.append(
            f"{_they(matched.without_row)} no row in {options.table} and {_are(matched.without_row)} left out."
        )
    if empty:
        named = ", ".join(sorted(set(empty.values())))
        left_out.append(f"{_they(empty)} no value of {named} in {options.table} and {_are(empty)} left out.")
    if not kept:
        raise DataError(" ".join(["No file is left.", *left_out]))
    missing = [f"{options.table} names {cell}, and there is no such file." for cell in matched.without_file]
    cells = {name: tuple(column[matched.rows[path]] for path in kept) for name, column in columns.items()}
    return Known(tuple(kept), by, cells, tuple(left_out), tuple(missing), options)


def _only_column(table: Table, options: AssociateOptions) -> str:
    others = [name for name in table.columns if name != table.file_column and name not in options.confounders]
    if len(others) == 1:
        return others[0]
    has = f"{options.table} has {', '.join(others)}" if others else f"{options.table} has no other column"
    raise UsageError(f"--by names the column that is asked about; {has}.")


def _they(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    return f"{counted(len(names), 'file')} ({few(names)}) {'has' if len(names) == 1 else 'have'}"


def _are(paths: Iterable[Path]) -> str:
    return "is" if len(list(paths)) == 1 else "are"
