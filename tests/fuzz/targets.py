"""Who reads what: for each target the kind of its seeds, and what a user's command would do with them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from maskrcnn.checkpoints.foreign.load import load_foreign
from maskrcnn.checkpoints.ours import load_checkpoint, read_info
from maskrcnn.errors import MaskRCNNError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.images.labels.index_maps import read_label_map
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.images.read.pictures import image_shape, read_image
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume

Read = Callable[[Path], object]


def picture(folder: Path) -> None:
    for path in find_images(folder):
        for read in (read_image, image_shape, read_label_map):
            _tried(read, path)


def labels(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        _tried(_whole_set, path)


def volume(folder: Path) -> None:
    for path in [*sorted(p for p in folder.iterdir() if p.is_file()), *find_volumes(folder)]:
        for read in (read_volume, read_label_volume):
            _tried(read, path)


def signal(folder: Path) -> None:
    for path in find_signals(folder):
        _tried(read_signal, path)
    for path in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]:
        _tried(_whole_set, path)


def checkpoint(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        _tried(read_info, path)
        _tried(load_checkpoint, path)


def prediction(folder: Path) -> None:
    """The model of recordings, whose sizes cost little, looks at one."""

    def predict(path: Path) -> None:
        predictor = Predictor(*load_checkpoint(path))
        with contextlib.suppress(RuntimeError, MemoryError):  # commands make a sentence of these
            predictor(torch.from_numpy(np.sin(np.arange(200) / 9)[None].astype(np.float32)), (0.01,))

    _tried(predict, folder / "signals.safetensors")


def foreign(folder: Path) -> None:
    for path in folder.iterdir():
        _tried(load_foreign, path)


def _whole_set(path: Path) -> None:
    data = open_dataset(path)
    for index in range(len(data)):
        with contextlib.suppress(MaskRCNNError):
            record = data[index]
            if record.regions is not None:
                record.regions.areas()
            data.read_image(record)


def _tried(read: Callable[[Path], object], path: Path) -> None:
    """Right is a result or one sentence."""
    try:
        read(path)
    except MaskRCNNError as error:
        sentence = str(error)
        assert sentence and "\n" not in sentence and len(sentence) < 3000, f"no sentence: {sentence[:200]!r}"


TARGETS: dict[str, tuple[str, Read]] = {
    "pictures": ("pictures", picture),
    "labels": ("label_sets", labels),
    "nifti": ("nifti", volume),
    "tiff": ("tiff_stacks", volume),
    "arrays": ("volume_arrays", volume),
    "dicom": ("dicom", volume),
    "sounds": ("sounds", signal),
    "tables": ("tables", signal),
    "records": ("records", signal),
    "bases": ("bases", signal),
    "checkpoints": ("ours", checkpoint),
    "predictions": ("ours", prediction),
    "foreign": ("foreign", foreign),
}
