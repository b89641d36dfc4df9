"""Recordings with labels as a data set: one that cannot be used is left out and named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.tables.interval_tables import listed_classes
from maskrcnn.modalities.signals.tables.intervals import LabelledSignal, first_fault, signal_dataset

OpenOne = Callable[[Path, list[str]], LabelledSignal]
"""Opens one recording with its labels and adds to the problems what was mended; raises DataError, in words that follow
"FILE was left out:", where it cannot be used."""


def open_each(
    path: Path, files: Sequence[Path], open_one: OpenOne, problems: list[str], noun: str = "recording"
) -> list[LabelledSignal]:
    """The recordings that can be used.

    Args:
        path: that the user named, for the sentence.
        files: of the recordings.
        open_one: how one of them is opened.
        problems: is added to.
        noun: what one of them is called.

    Returns:
        At least one recording, in the order of ``files``.

    Raises:
        DataError: not one can be used.
    """
    signals = []
    for file in files:
        try:
            signals.append(open_one(file, problems))
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
    if not signals:
        raise DataError(f"{path}: not one {noun} can be used; the first fault: {first_fault(problems)}")
    return signals


def open_labelled_files(path: Path, files: Sequence[Path], choice: str, open_one: OpenOne) -> Dataset:
    """The data set of recordings that have one set of labels each, so that there is nothing to choose.

    Args:
        path: that the user named, for sentences.
        files: of the recordings; ``classes.txt`` beside the first may list the classes in order.
        choice: of labels, as the user names it behind a colon.
        open_one: how one of them is opened.

    Returns:
        The data set.

    Raises:
        DataError: a choice is asked for, or no recording can be used.
    """
    if choice:
        raise DataError(f"{path} has no {choice} to choose: name the folder, or a text file that lists recordings.")
    problems: list[str] = []
    signals = open_each(path, files, open_one, problems)
    return signal_dataset(path, signals, problems, listed_classes(files))
