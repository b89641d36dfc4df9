"""The confusion matrix: which class is taken for which, with background as one more."""

from __future__ import annotations

import numpy as np

from maskrcnn.report.advice_false import most_confused
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, count, lead, section, tag

MOST = 12  # classes in the table
NOTHING = 0


def classes(facts: Facts) -> Html:
    """The section."""
    return section(
        "classes",
        "Classes and background",
        lead(
            "Each row is what was there, each column what the model called it; the diagonal is right, “nothing” is "
            "what was missed or made up.",
            _what_follows(facts),
        ),
        _table(facts),
    )


def _what_follows(facts: Facts) -> str:
    matrix = facts.diagnosis.confusion
    swapped = int(matrix[1:, 1:].sum() - np.trace(matrix[1:, 1:]))
    errors = int(matrix.sum() - np.trace(matrix))
    if not errors:
        return "There are no mistakes."
    pair = most_confused(facts)
    if pair is None:
        return "No class is taken for another: all mistakes are objects missed or made up."
    truth, called, times = pair
    part = "most" if swapped > errors / 2 else "few" if swapped < errors / 5 else "some"
    return (
        f"{count(swapped, 'object')} {'is' if swapped == 1 else 'are'} called by a wrong name, most often {truth} "
        f"taken for {called} ({times:,}): {part} of the {count(errors, 'mistake')} are of names, the others of places."
    )


def _table(facts: Facts) -> Html:
    matrix, names = facts.diagnosis.confusion, facts.diagnosis.class_names
    order = _order(matrix)
    of = ["nothing", *names]
    head = tag("tr", tag("th", "there ↓  called →"), *(tag("th", of[k]) for k in order))
    rows = [tag("tr", tag("th", of[k], scope="row"), *_cells(matrix, k, order)) for k in order]
    note = None
    if len(order) < len(of):
        note = tag("p", f"The {len(order) - 1} of {len(names)} classes with most mistakes.", class_="soft")
    body = tag("table", tag("thead", head), tag("tbody", *rows), class_="confusion")
    return Html(tag("div", body, class_="scroll") + (note or ""))


def _order(matrix: np.ndarray) -> list[int]:
    """The classes with most mistakes in the order of the data set, then nothing."""
    wrong = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
    worst = np.argsort(-wrong[1:], kind="stable")[:MOST] + 1
    return [*sorted(worst.tolist()), NOTHING]


def _cells(matrix: np.ndarray, truth: int, order: list[int]) -> list[Html]:
    total = max(int(matrix[truth].sum()), 1)
    cells = []
    for called in order:
        n = int(matrix[truth, called])
        color = "0,114,178" if truth == called else "213,94,0"
        shade = f"background:rgba({color},{0.08 + 0.42 * n / total:.2f})" if n else None
        text = f"{n:,}" if n else "" if truth == called == NOTHING else "·"
        cells.append(tag("td", text, style=shade))
    return cells
