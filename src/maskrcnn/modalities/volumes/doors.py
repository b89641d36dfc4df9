"""The doors of this wing: what is asked of files of any kind. Each loads what it needs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskrcnn.files import exists, is_folder
from maskrcnn.modalities.volumes import find
from maskrcnn.modalities.volumes.formats.dicom.about import is_dicom

if TYPE_CHECKING:
    from maskrcnn.data.dataset import Dataset
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.results.one_file import OneFile
    from maskrcnn.inference.results.options import ResultOptions
    from maskrcnn.inference.results.outcome import Done, Outcome
    from maskrcnn.model_info import ModelInfo


def find_files(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """The scans that ``paths`` name: files as they are, folders walked; of a DICOM series the folder, or a file."""
    return find.find_volumes(paths, exclude)


def find_own(paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
    """Those of them that are scans."""
    found = find.find_volumes([path for path in paths if exists(path)], exclude)
    return [path for path in found if find.is_volume(path) or is_folder(path)]


def kind_of(path: Path) -> str:
    """``volume``, or nothing where a file is no scan."""
    return "volume" if is_folder(path) or find.is_volume(path) else ""


def is_part(path: Path) -> bool:
    """Whether a file is one of a DICOM series."""
    return is_dicom(path)


def stem_of(path: Path) -> str:
    """The name without its suffixes: ``scan`` of ``scan.nii.gz``."""
    return find.stem_of(path)


def is_labelled(path: Path) -> bool:
    """Whether a folder has scans with label volumes."""
    from maskrcnn.modalities.volumes.open import is_volume_set

    return is_volume_set(path)


def open_labelled(path: Path, choice: str = "") -> Dataset | None:
    """A folder of labelled scans, which name no splits."""
    from maskrcnn.modalities.volumes.open import is_volume_set, open_volume_set

    return open_volume_set(path) if is_folder(path) and not choice and is_volume_set(path) else None


def as_learned(data: Dataset, info: ModelInfo) -> Dataset:
    """The numbers in label volumes understood as they were when a model learned, under its names for the classes."""
    from maskrcnn.modalities.volumes.open import understand_as_learned

    return understand_as_learned(data, info)


def predict(predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done) -> Outcome:
    """Find the objects in scans and write what was found, as :meth:`Doors.predict` says."""
    from maskrcnn.modalities.volumes.predict import predict_volumes

    return predict_volumes(predictor, paths, options, done)


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneFile:
    """One scan by itself, as :meth:`Doors.open_one` says; see ``results/one_file.py``."""
    from maskrcnn.modalities.volumes.results.one_file import open_one

    return open_one(predictor, source, spacing)
