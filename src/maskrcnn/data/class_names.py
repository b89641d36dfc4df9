"""Names of classes that every command can print, write and read again: one line of text each, none of them twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from maskrcnn.data.parsing.text import all_lines

LONGEST = 200  # characters
LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})  # categories of Unicode: control characters, line and paragraph separators
AROUND = "\ufeff\u200b\u2060"  # marks without width that str.strip leaves


def usable_names(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """A name for each of ``names``, and a sentence for each that had to be changed.

    A name is one line without space around it, of characters that UTF-8 can hold, is not empty and not that of another
    class. So lists of one name a line hold it, and no two classes become one.
    """
    changed: list[str] = []
    kept: set[str] = set()
    taken = {name for name in names if name and _one_line(name) == name}
    usable = []
    copies: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        wanted = _one_line(name) or f"class {number}"
        new = wanted
        if wanted != name or name in kept:
            while new in taken:
                copies[wanted] = copies.get(wanted, 1) + 1
                new = f"{wanted} ({copies[wanted]})"
            changed.append(f"The class {_shown(name)} counts as {new!r} here: {_reason(name, wanted)}.")
        kept.add(new)
        taken.add(new)
        usable.append(new)
    return tuple(usable), changed


def _one_line(name: str) -> str:
    """Of the same letters, as far as they are any."""
    letters = (" " if unicodedata.category(c) in LINE_BREAKS else c for c in name)
    text = "".join("\ufffd" if unicodedata.category(c) == "Cs" else c for c in letters)
    text = text.strip().strip(AROUND).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _reason(name: str, wanted: str) -> str:
    if not _one_line(name):
        return "a class needs a name"
    if wanted == name:
        return "another class has that name"
    if len(name) > LONGEST:
        return "its name is too long"
    return "its name is no single line of text without space around it"


def _shown(name: str) -> str:
    return repr(name) if len(name) <= LONGEST else repr(name[:40] + "…")


def read_class_list(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """The classes of a list, one a line, and what had to be changed of their names; none where there is no such file.

    An empty line between others is a class without a name: those below it keep their numbers.

    Raises:
        DataError: where it is no text.
    """
    lines = all_lines(path)
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return usable_names(lines)
