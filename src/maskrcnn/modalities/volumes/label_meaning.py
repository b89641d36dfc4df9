"""What the numbers of a label volume mean: objects, or classes.

``instances``: number k is the k-th object. ``parts``: number k is class k, and each part of it that hangs together is
an object. ``classes``: number k is class k, and all of it is one object, as of organs. A model keeps with which of
these it was trained, so that data are judged as they were learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.masks.components import class_of_each, connected_parts
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.modalities.volumes.volume import LabelVolume
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

AUTO, INSTANCES, PARTS, CLASSES = "auto", "instances", "parts", "classes"
MEANINGS = (AUTO, INSTANCES, PARTS, CLASSES)
MOST_CLASSES = 8  # numbers without a name that may be classes
FEWEST_FILES = 5  # with the same numbers for these to be classes
MAIN_PART = 0.9  # of a class's voxels that hang together where it is one object
MOST_REMEMBERED = 512  # label volumes, as run lengths, in each process


@dataclass(frozen=True)
class LabelledVolume:
    """A scan and its label volume.

    Attributes:
        image, labels: their files.
        image_id: a number of its own.
        meaning: ``instances``, ``parts`` or ``classes``.
        num_classes: K.
        class_map: of instances of several classes: a second label volume with the class of each voxel.
    """

    image: Path
    labels: Path
    image_id: int
    meaning: str = INSTANCES
    num_classes: int = 1
    class_map: Path | None = None

    def record(self) -> Record:
        """The labels. Raises DataError where they cannot be read or name a class that there is not."""
        own = _read(self.labels, _age(self.labels), self.meaning)
        regions, labels = own.regions, own.labels
        if self.class_map is not None:
            labels = self._classes_of(regions)
        elif self.meaning == INSTANCES:
            labels = np.ones(len(regions), dtype=np.int64)
        unknown = labels[(labels < 1) | (labels > self.num_classes)]
        if len(unknown):
            raise DataError(
                f"{self.class_map or self.labels} holds the class {unknown[0]}, but there are {self.num_classes}; name "
                "all of them, or say what the numbers mean with --labels."
            )
        return Record(
            source=str(self.image),
            image_id=self.image_id,
            file_name=self.image.name,
            spatial_shape=regions.spatial_shape,
            boxes=regions.boxes(),
            labels=labels,
            regions=regions,
            crowd=np.zeros(len(regions), dtype=bool),
            areas=regions.areas().astype(np.float64),
            spacing=own.spacing or _spacing_of(self.image, _age(self.image)),
            affine=own.affine,
        )

    def num_objects(self) -> int:
        return len(_read(self.labels, _age(self.labels), self.meaning).regions)

    def _classes_of(self, regions: Regions) -> np.ndarray:
        assert self.class_map is not None
        numbers = read_label_volume(self.class_map).numbers
        if numbers.shape != regions.spatial_shape:
            raise DataError(f"{self.class_map} and {self.labels} are of different sizes; write them again.")
        return class_of_each(regions, numbers)


@dataclass(frozen=True)
class _Labels:
    regions: Regions
    labels: np.ndarray
    spacing: tuple[float, ...] | None
    affine: np.ndarray | None


@lru_cache(maxsize=MOST_REMEMBERED)
def _read(path: Path, age: int, meaning: str) -> _Labels:
    """A label volume as run lengths, which are small: a scan is visited many times in an epoch."""
    volume = read_label_volume(path)
    regions, labels = objects_of(volume, meaning)
    return _Labels(regions, labels, volume.spacing, volume.affine)


def objects_of(volume: LabelVolume, meaning: str) -> tuple[Regions, np.ndarray]:
    """The objects of a label volume and their classes, int64 ``[N]``; 1 for each object of ``instances``."""
    numbers = volume.numbers
    objects = connected_parts(numbers) if meaning == PARTS else numbers
    values, first = np.unique(objects, return_index=True)
    labels = numbers.ravel()[first[values > 0]].astype(np.int64)
    return Regions.from_label_map(objects), np.ones_like(labels) if meaning == INSTANCES else labels


@lru_cache(maxsize=MOST_REMEMBERED)
def _spacing_of(path: Path, age: int) -> tuple[float, ...] | None:
    return read_volume(path).spacing


def _age(path: Path) -> int:
    """When the file was last written, so that nobody remembers what it held before."""
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error


def guess_meaning(label_maps: Iterable[np.ndarray], class_names: Sequence[str]) -> tuple[str, int]:
    """What the numbers of some label volumes seem to mean, and how many classes there are.

    Several names mean classes. Without names the same few numbers 1..K in each of at least five volumes do; any other
    numbers are objects. A class is one object where nine tenths of it hang together in nine of ten volumes.
    """
    values, whole, count = [], [], 0
    for numbers in label_maps:
        own = [int(value) for value in np.unique(numbers) if value]
        values.append(tuple(own))
        count += 1
        if len(own) <= max(MOST_CLASSES, len(class_names)):
            whole += _hang_together(numbers)
    named = len(class_names) > 1
    most = max((max(own) for own in values if own), default=1)
    same = count >= FEWEST_FILES and len(set(values)) == 1 and values[0] == tuple(range(1, most + 1))
    if not named and not (same and most <= MOST_CLASSES):
        return INSTANCES, 1
    if most == 1 and not named and np.mean(whole) >= MAIN_PART:
        return INSTANCES, 1  # one object, whatever it is called
    return (CLASSES if whole and np.mean(whole) >= MAIN_PART else PARTS), max(most, len(class_names))


def _hang_together(numbers: np.ndarray) -> list[bool]:
    """Of each number whether nine tenths of its voxels are one part."""
    parts = connected_parts(numbers)
    values, first, sizes = np.unique(parts, return_index=True, return_counts=True)
    classes, sizes = numbers.ravel()[first[values > 0]], sizes[values > 0]
    found = (sizes[classes == value] for value in np.unique(classes))
    return [bool(own.max() >= MAIN_PART * own.sum()) for own in found]
