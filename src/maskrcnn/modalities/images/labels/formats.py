"""What a format of labelled images says of itself: how it is recognised, what it holds and what is made of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.modalities.listing import Format, list_formats

FOLDER = "maskrcnn.modalities.images.formats"
COLUMNS = ("format", "recognised by", "holds", "guessed, and said", "refused or left out, and said")


@dataclass(frozen=True, kw_only=True)
class LabelFormat(Format):
    """A format of labelled images that is read. Its ``read.py`` has an ``open_...`` for each way to recognise it.

    Attributes:
        brief: a few words of what there is to see, for the sentence of what was looked for.
        recognised: by what, in words.
        holds: masks, boxes and what else is read.
        guessed: what the files leave open, and how it is taken.
        refused: what is not read.
        is_folder: whether a folder is one of these: ``open_folder(folder, split)``.
        is_file: whether a file that is no json is: ``open_file(path, split)``.
        is_content: whether the content of a json file is: ``open_content(path, content)``.
        names_pictures: whether a file of labels in a folder, other than a json that :attr:`is_content` knows, names
            the pictures that it labels: then the folder is one of pictures, though recordings or scans lie in it.
        has_splits: whether the data name their splits themselves.
        json_a_picture: a json file labels one picture, so that the files of a folder are opened together:
            ``open_files(folder, files)``.
        alone: a pattern of files: the only one in a folder that is of the format makes the folder one of its kind.
        written_as: its name for ``maskrcnn convert --to``; empty where it is not written. Its ``write.py`` has
            ``write(data, records, out)`` and ``IMAGE_FOLDER``, where pictures lie in the result.
    """

    brief: str
    recognised: str
    holds: str
    guessed: str
    refused: str
    is_folder: Callable[[Path], bool] | None = None
    is_file: Callable[[Path], bool] | None = None
    is_content: Callable[[Any], bool] | None = None
    names_pictures: Callable[[Path], bool] | None = None
    has_splits: bool = False
    json_a_picture: bool = False
    alone: str = ""
    written_as: str = ""


def label_formats() -> tuple[LabelFormat, ...]:
    """All that there are, in the order in which they are asked."""
    return list_formats(FOLDER, LabelFormat)


def written_formats() -> dict[str, LabelFormat]:
    """Those that can be written, by the name that ``maskrcnn convert --to`` has for each."""
    return {known.written_as: known for known in label_formats() if known.written_as}


def format_of_folder(folder: Path) -> LabelFormat | None:
    """The first format that ``folder`` is of."""
    return next((known for known in label_formats() if known.is_folder is not None and known.is_folder(folder)), None)


def format_of_file(path: Path) -> LabelFormat | None:
    """The first format that a file is of which is no json."""
    return next((known for known in label_formats() if known.is_file is not None and known.is_file(path)), None)


def format_of_content(content: Any) -> LabelFormat | None:
    """The first format that the content of a json file is of."""
    asked = label_formats()
    return next((known for known in asked if known.is_content is not None and known.is_content(content)), None)


def format_table(formats: Iterable[LabelFormat]) -> str:
    """The formats as a table in Markdown, for ``docs/formats.md``."""
    rows = [(known.name, known.recognised, known.holds, known.guessed, known.refused) for known in formats]
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
