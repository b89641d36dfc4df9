"""HTML by small functions: what is plain text is escaped, what is HTML already is of the type :class:`Html`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str | None, **attributes: Any) -> Html:
    """An element. Underscores in the names of attributes become hyphens, one at the end is dropped (``class_``);
    attributes that are None are left out."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    inside = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    return Html(f"<{name}{inside}>{join(children)}</{name}>")


def join(children: Iterable[str | None], between: str = "") -> Html:
    """One after another; plain text is escaped."""
    parts = (child if isinstance(child, Html) else escape(child) for child in children if child is not None)
    return Html(escape(between).join(parts))


def section(name: str, title: str, *children: str | None) -> Html:
    """A part of the page with an anchor of its own."""
    return tag("section", tag("h2", title), *children, id=name)


def lead(*sentences: str | None) -> Html:
    """What a section shows, and what follows from it: the paragraph that it begins with."""
    return tag("p", join([s for s in sentences if s], " "), class_="lead")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str | None = None, words: int = 1) -> Html:
    """A table. Cells that are not a ``td`` or ``th`` yet become one.

    Args:
        head: words of the first row.
        rows: of cells.
        caption: above the table, or None.
        words: so many cells of a row stand on the left, the others, which are numbers, on the
            right.

    Returns:
        The HTML.
    """
    heads = (h if isinstance(h, Html) else tag("th", h, class_=None if k < words else "n") for k, h in enumerate(head))
    columns = tag("tr", *heads)
    body = (tag("tr", *(cell(text, k < words) for k, text in enumerate(row))) for row in rows)
    title = tag("caption", caption) if caption else None
    return tag("div", tag("table", title, tag("thead", columns), tag("tbody", *body)), class_="scroll")


def cell(content: str, left: bool = False) -> Html:
    """A table's cell, unless it is one already."""
    if isinstance(content, Html) and content.startswith(("<td", "<th")):
        return content
    return tag("td", content, class_=None if left else "n")


def measure(name: str, value: float | None) -> Html:
    """A cell with a number of ``metrics.json``, which is marked with its name there."""
    return tag("td", decimal(value), class_="n", data_metric=name)


def decimal(value: float | None) -> str:
    """Three digits; a dash where there is nothing to measure."""
    return "–" if value is None else f"{value:.3f}"


def percent(part: float, whole: float) -> str:
    """A part of a whole, in words that fit between others."""
    return f"{100 * part / whole:.0f} %" if whole else "none"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Say a number and what it counts: ``1 object``, ``2 objects``.

    Args:
        number: of them.
        noun: for one.
        plural: for more; None: the noun with an s.

    Returns:
        The words.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: Sequence[str], most: int = 3) -> str:
    """Names in a sentence."""
    shown = list(names[:most]) + ([f"{len(names) - most} more"] if len(names) > most else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"


def tally(counts: Sequence[tuple[str, int]], most: int = 3) -> str:
    """What there is, the most frequent first: ``this (15), that (10) and others (3)``."""
    ordered = sorted((item for item in counts if item[1]), key=lambda item: -item[1])
    words = [f"{name} ({n:,})" for name, n in ordered[:most]]
    words += [f"others ({sum(n for _, n in ordered[most:]):,})"] if len(ordered) > most else []
    return listing(words, len(words))


def data(name: str, content: Any) -> Html:
    """Numbers for programs; a class name may hold what would end the element."""
    text = json.dumps(content).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(name)}">{text}</script>')
