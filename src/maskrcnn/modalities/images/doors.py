"""The doors of this wing: what is asked of files of any kind. Each loads what it needs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskrcnn.files import exists
from maskrcnn.modalities.images.read.find import find_images, is_image
from maskrcnn.modalities.single_files import SingleFiles

if TYPE_CHECKING:
    from maskrcnn.data.dataset import Dataset
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.results.one_file import OneFile
    from maskrcnn.inference.results.options import ResultOptions
    from maskrcnn.inference.results.outcome import Done, Outcome

is_part, stem_of, as_learned = SingleFiles.is_part, SingleFiles.stem_of, SingleFiles.as_learned


def find_files(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """The pictures that ``paths`` name: files as they are, folders walked, and of PDF and TIFF files their pages."""
    from maskrcnn.modalities.images.read.pages import list_pages

    return [page for path in find_images(paths, exclude) for page in list_pages(path)]


def find_own(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """Those of them whose names are those of pictures."""
    return [path for path in find_images([path for path in paths if exists(path)], exclude) if is_image(path)]


def kind_of(path: Path) -> str:
    """``image``, or nothing where the file's name is not that of a picture."""
    return "image" if is_image(path) else ""


def is_labelled(path: Path) -> bool:
    """Whether a folder looks like labelled images."""
    from maskrcnn.modalities.images import open as images

    return images.is_labelled(path)


def open_labelled(path: Path, choice: str = "") -> Dataset | None:
    """Labelled images of a file or a folder, or a split that the data name themselves."""
    from maskrcnn.modalities.images import open as images

    return images.open_split(path, choice) if choice else images.open_labelled(path)


def predict(predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done) -> Outcome:
    """Find the objects in pictures and write what was found, as :meth:`Doors.predict` says."""
    from maskrcnn.modalities.images.predict import predict_files

    return predict_files(predictor, paths, options, done)


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneFile:
    """One picture by itself, as :meth:`Doors.open_one` says; see ``one_file.py``."""
    from maskrcnn.modalities.images.one_file import open_one

    return open_one(predictor, source, spacing)
