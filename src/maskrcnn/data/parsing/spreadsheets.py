"""Text in tables that people open with a spreadsheet, which runs a cell that begins with = + - or @ as a formula."""

from __future__ import annotations

import re

FORMULA = re.compile(r"'*[=+\-@\t\r].+", re.DOTALL)  # quotes before it are counted, so that one can be taken off again


def quoted(text: str) -> str:
    """``text`` with a quote before what would be a formula; numbers, and signs alone, are none."""
    return f"'{text}" if FORMULA.fullmatch(text) and not _is_number(text) else text


def unquoted(text: str) -> str:
    """What :func:`quoted` was given."""
    return text[1:] if text.startswith("'") and FORMULA.fullmatch(text) else text


def path_cell(path: str) -> str:
    """A path for a table: ``./=name`` is the same file as ``=name``, and no formula."""
    return f"./{path}" if quoted(path) != path else path


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
