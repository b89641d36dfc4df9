"""One scan by itself, for :mod:`maskrcnn.face`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.volumes.draw.montage import draw_montage
from maskrcnn.modalities.volumes.find import stem_of
from maskrcnn.modalities.volumes.predict import check_channels
from maskrcnn.modalities.volumes.read import read_volume
from maskrcnn.modalities.volumes.results.objects import best_first, found_objects, object_entry
from maskrcnn.modalities.volumes.volume import FileSpace, Turn, Volume
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Instances

ACCEPTED = (
    "the path of a scan or of a folder with a DICOM series, a Volume as read_volume gives it, or an array [Z, Y, X] or "
    "[C, Z, Y, X] with spacing=(x, y, z) in millimetres"
)


@dataclass(frozen=True)
class OneScan:
    """A scan, turned as every model sees it."""

    volume: Volume
    name: str = ""

    @property
    def samples(self) -> Tensor:
        """Voxels ``[C, Z, Y, X]``."""
        return self.volume.samples

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres of a voxel."""
        return self.volume.spacing

    @property
    def notes(self) -> tuple[str, ...]:
        return self.volume.notes

    def picture(self, found: Instances, info: ModelInfo) -> Image.Image:
        """Slices with coloured outlines."""
        return draw_montage(self.volume, found, info.class_names, title=self.name)

    def entries(self, found: Instances, info: ModelInfo) -> list[dict[str, Any]]:
        """Where each lies in the file and in the patient."""
        ids = info.category_ids or tuple(range(1, len(info.class_names) + 1))
        order = found.scores.argsort(descending=True, stable=True).tolist()
        found, regions = best_first(found, self.volume.samples.shape[1:])
        objects = zip(order, found_objects(found, regions, info.class_names, self.volume))
        return [object_entry(one, ids) for _, one in sorted(objects, key=lambda pair: pair[0])]


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneScan:
    """A scan that a predictor can look at.

    Args:
        predictor: says which channels it sees.
        source: the path of a file or of a series, a :class:`Volume`, or an array ``[Z, Y, X]`` or ``[C, Z, Y, X]``.
        spacing: of an array: millimetres of a voxel, x first.

    Returns:
        The scan.

    Raises:
        DataError: a file that cannot be read, or that the model was not made for.
        TypeError: what is no scan.
    """
    path = source if isinstance(source, Path) else Path("the scan")
    volume = read_volume(path) if isinstance(source, Path) else _volume_of(source, spacing)
    check_channels(predictor, path, volume)
    return OneScan(volume, stem_of(path))


def _volume_of(source: Any, spacing: Sequence[float] | None) -> Volume:
    if isinstance(source, Volume):
        return source
    if not hasattr(source, "__array__"):
        raise TypeError(f"A model of scans takes {ACCEPTED}, not {type(source).__name__}.")
    samples = torch.as_tensor(source, dtype=torch.float32)
    if samples.ndim not in (3, 4):
        raise TypeError(f"A scan is an array [Z, Y, X] or [C, Z, Y, X], not one of {samples.ndim} dimensions.")
    samples = samples[None] if samples.ndim == 3 else samples
    names = tuple(str(number) for number in range(1, len(samples) + 1)) if len(samples) > 1 else ("",)
    space = FileSpace("npz", tuple(samples.shape[1:]), Turn.none(3))
    return Volume(samples, None if spacing is None else tuple(float(s) for s in spacing), None, space, names)
