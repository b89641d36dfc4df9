"""What a label format says of itself: its name, how it is recognised, what it holds and what is made of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import Dataset

COLUMNS = ("format", "recognised by", "holds", "guessed, and said", "refused or left out, and said")


@dataclass(frozen=True)
class Format:
    """A format of labelled images that is read.

    Attributes:
        name: as its users say it.
        brief: a few words of what there is to see, for the sentence of what was looked for.
        recognised: by what, in words.
        holds: masks, boxes and what else is read.
        guessed: what the files leave open, and how it is taken.
        refused: what is not read.
        is_folder: whether a folder is one of these; None: only files are.
        open_folder: such a folder.
        is_content: whether the content of a json file is of this format; None: it has none.
        open_content: such a file and its content.
    """

    name: str
    brief: str
    recognised: str
    holds: str
    guessed: str
    refused: str
    is_folder: Callable[[Path], bool] | None = None
    open_folder: Callable[[Path], Dataset] | None = None
    is_content: Callable[[Any], bool] | None = None
    open_content: Callable[[Path, Any], Dataset] | None = None


def folder_format(formats: Iterable[Format], folder: Path) -> Format | None:
    """The first of ``formats`` that ``folder`` is of."""
    return next((known for known in formats if known.is_folder is not None and known.is_folder(folder)), None)


def content_format(formats: Iterable[Format], content: Any) -> Format | None:
    """The first of ``formats`` that the content of a json file is of."""
    return next((known for known in formats if known.is_content is not None and known.is_content(content)), None)


def format_table(formats: Iterable[Format]) -> str:
    """The formats as a table in Markdown, for ``docs/formats.md``."""
    rows = [(known.name, known.recognised, known.holds, known.guessed, known.refused) for known in formats]
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
