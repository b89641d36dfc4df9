"""Labelled images in whichever format they are: opening a file, a folder, or a split of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.images.labels.folders import label_files, split_word
from maskrcnn.modalities.images.labels.formats import (
    LabelFormat,
    format_of_content,
    format_of_file,
    format_of_folder,
    label_formats,
)
from maskrcnn.modalities.images.labels.named_pictures import asked_files, content_of
from maskrcnn.modalities.images.labels.unsupported import UnreadFormat, unread_format, unread_json
from maskrcnn.modalities.images.read.find import is_image

LISTS = frozenset({"categories", "config", "info", "labels", "licenses", "meta", "project", "settings"})  # no data sets
USUAL = "coco"  # what a json file is taken for that is of no known format: its reader says what it lacks


def is_labelled(folder: Path) -> bool:
    """Whether ``folder`` looks like a data set of images, without opening it."""
    return format_of_folder(folder) is not None or bool(label_files(folder, "json"))


@dataclass(frozen=True)
class FoundLabels:
    """Labels whose format is known, and which are not read yet.

    Attributes:
        known: their format.
        function: that opens them, in ``read.py`` of the format and in its ``edit.py`` where it has one.
        arguments: that it takes.
    """

    known: LabelFormat
    function: str
    arguments: tuple[Any, ...]

    def load(self, module: str = "read") -> Any:
        """What the function of that module makes of the labels."""
        return self.known.load(module, self.function)(*self.arguments)


def find_labels(path: Path) -> FoundLabels | None:
    """The labels of a file or a folder, before they are read; None for a folder in which nothing is known.

    Args:
        path: that is there.

    Returns:
        Their format and how they are opened.

    Raises:
        DataError: a file that is of no known format, or several that may be meant.
    """
    return _in_file(path) if is_file(path) else _in_folder(path)


def open_labelled(path: Path) -> Dataset | None:
    """The labelled images of a file or a folder; None for a folder in which nothing is known.

    Args:
        path: that is there.

    Raises:
        DataError: a file that is of no known format, several that may be meant, or one that cannot be read.
    """
    found = find_labels(path)
    return None if found is None else found.load()


def open_split(path: Path, split: str) -> Dataset | None:
    """The split of ``path`` that the data name themselves (YOLO's ``data.yaml``, VOC's ``ImageSets/``, COCO's
    ``annotations/*_SPLIT.json``); None where they name none so.

    Raises:
        DataError: where it cannot be read.
    """
    known = format_of_file(path) if is_file(path) else format_of_folder(path)
    if known is not None and known.has_splits:
        data: Dataset = FoundLabels(known, "open_file" if is_file(path) else "open_folder", (path, split)).load()
        return data
    named = [file for file in files_of_labels(path) if _is_of_split(file, split)]
    return open_labelled(named[0]) if len(named) == 1 else None


def files_of_labels(path: Path) -> list[Path]:
    """The json files of a folder that may be data sets, of COCO's own the instances; none of a file."""
    return [] if is_file(path) else _annotation_files(label_files(path, "json"))


def _is_of_split(file: Path, split: str) -> bool:
    """Whether ``instances_val2017.json`` is of ``val2017``, or of ``val``."""
    own = file.stem.rpartition("_")[2]
    return own == split or (split_word(own) == split_word(split) != "")


def _in_file(path: Path) -> FoundLabels:
    is_json = path.suffix.lower() == ".json"
    known = None if is_json else format_of_file(path)
    if known is not None:
        return FoundLabels(known, "open_file", (path,))
    unread = None if is_json else unread_format(path)
    if unread is not None:
        raise DataError(_not_read(path, unread))
    if is_image(path) or path.suffix.lower() in (".xml", ".txt", ".csv"):
        raise DataError(
            f"{path} is no file of labels; name the json, csv or yaml file, or the folder that holds it all."
        )
    content = read_json(path)
    known = format_of_content(content)
    unread = unread_json(content) if known is None else None
    if unread is not None:
        raise DataError(_not_read(path, unread))
    return FoundLabels(
        known or _usual(),
        "open_content",
        (
            path,
            content,
        ),
    )


def _in_folder(folder: Path) -> FoundLabels | None:
    known = format_of_folder(folder)
    if known is not None:
        return FoundLabels(known, "open_folder", (folder,))
    unread = unread_format(folder)
    if unread is not None:
        raise DataError(_not_read(folder, unread))
    files = label_files(folder, "json")
    if len(files) == 1:
        return _in_file(files[0])
    asked = asked_files(files)
    for path in asked:
        known = format_of_content(content_of(path))
        if known is not None and known.json_a_picture:
            return FoundLabels(
                known,
                "open_files",
                (
                    folder,
                    files,
                ),
            )
    sets = _annotation_files(files)
    unread = unread_json(content_of(asked[0])) if asked and asked[0] in sets else None
    if unread is not None and len(sets) > 1 and all(unread.is_json(content_of(path)) for path in sets if path in asked):
        raise DataError(_not_read(folder, unread))
    if len(sets) == 1:
        return _in_file(sets[0])
    lone = [(one, path) for one in label_formats() if one.alone for path in _files_alike(folder, one)]
    if len(lone) == 1 and not sets:
        return FoundLabels(lone[0][0], "open_file", (lone[0][1],))
    if several := sets or [path for _, path in lone]:
        what = several[0].suffix[1:]
        raise DataError(f"{folder} holds several {what} files; name the one to open: {list_some(several)}.")
    return None


def _usual() -> LabelFormat:
    return next(known for known in label_formats() if known.package.endswith(f".{USUAL}"))


def _files_alike(folder: Path, known: LabelFormat) -> list[Path]:
    return [path for path in sorted(folder.glob(known.alone)) if known.is_file is not None and known.is_file(path)]


def _annotation_files(files: list[Path]) -> list[Path]:
    """Those of several json files that may be data sets: of COCO's own, the instances."""
    instances = [path for path in files if path.name.startswith("instances_")]
    return instances or [path for path in files if path.stem.lstrip("_.").lower() not in LISTS]


def _not_read(path: Path, known: UnreadFormat) -> str:
    return f"{path} is {known.name}, which is not read: {known.way_out}. docs/formats.md lists what is read."


def list_some(paths: list[Path], most: int = 5) -> str:
    """The first of ``paths``, and how many more there are, to stand in a sentence."""
    names = [str(path) for path in paths[:most]]
    return ", ".join(names) + (f" and {len(paths) - most} more" if len(paths) > most else "")
