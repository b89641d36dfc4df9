"""What is tested and what is taken out first: a label and confounders as columns of a linear model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.checks import counted, listed
from maskrcnn.errors import DataError, UsageError

INDEPENDENT = 1e-6  # of its length that a column must keep when the others are taken out of it
LEAST_LEFT = 2  # degrees of freedom of the residuals


@dataclass(frozen=True)
class Variable:
    """A column of the table as numbers.

    Attributes:
        name: of the column.
        columns: float64 ``[n, k]``: one of numbers, or k indicators of k + 1 classes.
        classes: their names, the first being that which the indicators are held against; empty for numbers.
    """

    name: str
    columns: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many files each class has."""
        rest = self.columns.sum(axis=1) == 0
        numbers = [int(rest.sum()), *(int(count) for count in self.columns.sum(axis=0))]
        return dict(zip(self.classes, numbers))


@dataclass(frozen=True)
class Design:
    """A linear model of n files.

    Attributes:
        label: what is tested.
        tested: float64 ``[n, k]``, orthonormal: the label without what the confounders say of it.
        slope: ``[k, k]``: coefficients of ``tested`` become those of the label's own columns.
        nuisance: float64 ``[n, q]``, orthonormal, the mean and the confounders.
        freedom: degrees of freedom of the residuals, n - k - q.
    """

    label: Variable
    tested: np.ndarray
    slope: np.ndarray
    nuisance: np.ndarray
    freedom: int

    @property
    def is_t(self) -> bool:
        """Whether one column is tested, by t with its sign; else several at once, by F."""
        return bool(self.tested.shape[1] == 1)

    @property
    def symbol(self) -> str:
        return "t" if self.is_t else "F"


def variable_of(name: str, cells: Sequence[str], as_classes: bool = False, one: str = "") -> Variable:
    """A column of numbers, or of classes where a cell is no number.

    Args:
        name: of the column, for sentences.
        cells: n texts, none missing.
        as_classes: numbers are the names of classes too.
        one: of the classes the one that all others are held against together; empty: none.

    Returns:
        The column; classes in the order of their names.

    Raises:
        UsageError: there is no class ``one``.
        DataError: every file has the same, a number that is not finite, or a class for each file.
    """
    numbers = [_number(cell) for cell in cells]
    if not as_classes and not one and all(number is not None for number in numbers):
        column = np.array(numbers, dtype=np.float64)
        if not np.isfinite(column).all():
            raise DataError(f"The column {name} holds a number that is not finite; correct it or leave it empty.")
        if len(set(numbers)) < 2:
            raise DataError(f"The column {name} is {cells[0]} for all {len(cells)} files: nothing can go with it.")
        return Variable(name, column[:, None])
    classes = sorted(set(cells))
    if one and one not in classes:
        raise UsageError(f"The column {name} has no class {one}; it has {listed(classes, 'and')}.")
    if len(classes) < 2:
        raise DataError(f"All {len(cells)} files are {classes[0]} in the column {name}: there is one group alone.")
    if len(classes) == len(cells):
        raise DataError(f"The column {name} has another text for each file ({classes[0]} ...): it names no groups.")
    if one:
        column = np.array([cell == one for cell in cells], dtype=np.float64)
        return Variable(name, column[:, None], (f"not {one}" if len(classes) > 2 else _other(classes, one), one))
    indicators = np.array([[cell == one for one in classes[1:]] for cell in cells], dtype=np.float64)
    return Variable(name, indicators, tuple(classes))


def design_of(label: Variable, confounders: Sequence[Variable]) -> Design:
    """The linear model of a label and its confounders.

    Args:
        label: what is tested.
        confounders: taken out of the label and of every sample before.

    Returns:
        The design.

    Raises:
        DataError: a confounder that the others tell already, a label that they tell, or too few files.
    """
    n, k = label.columns.shape
    nuisance = np.full((n, 1), n**-0.5)
    names: list[str] = []
    for variable in confounders:
        for column in variable.columns.T:
            left = _rest(column, nuisance)
            if left is None:
                others = listed(names, "and") if names else "the mean of all files"
                raise DataError(
                    f"The column {variable.name} says nothing that {others} {'do' if len(names) > 1 else 'does'} not "
                    "say (they are collinear): leave it out of --adjust."
                )
            nuisance = np.column_stack([nuisance, left])
        names.append(variable.name)
    freedom = n - k - nuisance.shape[1]
    if freedom < LEAST_LEFT:
        needed = k + nuisance.shape[1] + LEAST_LEFT
        raise DataError(
            f"{counted(n, 'file')} are too few for {counted(1 + len(names), 'column')} of the table: at least {needed} "
            "are needed."
        )
    tested = np.empty((n, 0))
    for column in label.columns.T:
        left = _rest(column, np.column_stack([nuisance, tested]))
        if left is None:
            raise DataError(
                f"What --adjust names ({listed(names, 'and')}) tells {label.name} of every file already, so nothing is "
                "left to be tested: leave a column out."
            )
        tested = np.column_stack([tested, left])
    slope = np.linalg.inv(tested.T @ label.columns)
    return Design(label, tested, slope, nuisance, freedom)


def check_possible(design: Design, least_p: float) -> None:
    """Refuse files so few that no arrangement of the labels is rare enough.

    Raises:
        DataError: with the smallest p that can come out.
    """
    rows = Counter(map(tuple, design.label.columns.tolist()))
    arrangements = math.lgamma(len(design.tested) + 1) - sum(math.lgamma(count + 1) for count in rows.values())
    smallest = math.exp(-arrangements) * (2 if design.is_t and len(set(rows.values())) == 1 else 1)
    if smallest > least_p:
        raise DataError(
            f"{len(design.tested)} files are too few: chance alone gives {design.label.name} this order with a "
            f"probability of {smallest:.2g}, so nothing can be found at p {least_p:g}; add files."
        )


def told(variables: Mapping[str, Variable]) -> list[tuple[str, str]]:
    """Each column's name, and what is in it, in words."""
    rows = []
    for name, one in variables.items():
        if one.classes:
            rows.append((name, ", ".join(f"{label}: {count}" for label, count in one.counts.items())))
        else:
            values = one.columns[:, 0]
            rows.append((name, f"{values.min():g} to {values.max():g}, mean {values.mean():.4g}"))
    return rows


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _other(classes: Sequence[str], one: str) -> str:
    return next(name for name in classes if name != one)


def _rest(column: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """What of a column orthonormal ones do not say, of length 1; None where that is nothing."""
    centred = column - column.mean()
    length = np.linalg.norm(centred)
    if length == 0:
        return None
    left = centred / length
    for _ in range(2):  # once more for what rounding left
        left = left - known @ (known.T @ left)
    rest = np.linalg.norm(left)
    return None if rest < INDEPENDENT else left / rest
