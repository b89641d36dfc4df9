"""The doors of this wing: what is asked of files of any kind. Each loads what it needs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskrcnn.files import is_folder
from maskrcnn.modalities.signals import find
from maskrcnn.modalities.signals.recording_format import format_of
from maskrcnn.modalities.single_files import SingleFiles

if TYPE_CHECKING:
    from maskrcnn.data.dataset import Dataset
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.results.one_file import OneFile
    from maskrcnn.inference.results.options import ResultOptions
    from maskrcnn.inference.results.outcome import Done, Outcome

as_learned = SingleFiles.as_learned


def find_files(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """The recordings that ``paths`` name: files as they are, folders walked."""
    return find.find_signals(paths, exclude)


def find_own(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """Those of them that are recordings; of a WFDB record the name will do."""
    return [path for path in find.find_signals(paths, exclude) if kind_of(path)]


def kind_of(path: Path) -> str:
    """``wfdb``, ``audio``, ``series`` or ``dna``; empty for a file that is no recording."""
    known = format_of(path)
    return "" if known is None else known.kind


def is_part(path: Path) -> bool:
    """Whether a file is one of several that make up a recording."""
    return find.is_part(path)


def stem_of(path: Path) -> str:
    """The file's name without its suffix."""
    return path.stem if path.suffix and not is_folder(path) else path.name


def is_labelled(path: Path) -> bool:
    """Whether a folder holds recordings whose labels lie in it."""
    from maskrcnn.modalities.signals.open import is_signal_set

    return is_signal_set(path)


def open_labelled(path: Path, choice: str = "") -> Dataset | None:
    """Labelled recordings: a folder, one alone, or a list; the choice is an annotator, or types of features."""
    from maskrcnn.modalities.signals.open import is_signal_set, open_signal_set

    if (choice and is_folder(path / choice)) or not is_signal_set(path):
        return None
    return open_signal_set(path, choice)


def predict(predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done) -> Outcome:
    """Find the objects in recordings and write what was found, as :meth:`Doors.predict` says."""
    from maskrcnn.modalities.signals.predict import predict_signals

    return predict_signals(predictor, paths, options, done)


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneFile:
    """One recording by itself, as :meth:`Doors.open_one` says; see ``results/one_file.py``."""
    from maskrcnn.modalities.signals.results.one_file import open_one

    return open_one(predictor, source, spacing)
