"""What a data set is for: finding objects, or telling the class of every sample. The one is made from the other.

Objects give a class map of things: each sample is of the class of the object that covers it. Of class maps each
connected part of a class counts as an object, which the reader of such maps does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, overload, runtime_checkable

import numpy as np

from maskrcnn.data.dataset import Dataset, RecordSource
from maskrcnn.errors import DataError
from maskrcnn.structures import IGNORED, Record

OBJECTS, SEMANTIC, WHOLE = "instances", "semantic", "whole"
PARTS = "each connected part of a class counts as one object"  # what a reader says of class maps


@runtime_checkable
class MapSource(Protocol):
    """A source whose label file is a class map: it need not be painted from objects.

    Attributes:
        numbers: what labels 1..K are in its file.
    """

    @property
    def numbers(self) -> tuple[int, ...]: ...

    def class_map_record(self) -> Record:
        """The record with its class map, without objects. Raises DataError where it cannot be read."""


def for_task(data: Dataset, task: str, semantic_too: bool = False) -> Dataset:
    """A data set as a task asks for it.

    Args:
        data: as a reader opened it.
        task: ``instances`` or ``semantic``.
        semantic_too: with ``instances``: class maps beside the objects.

    Returns:
        The data: with class maps where the task needs them, otherwise as they are.

    Raises:
        DataError: class maps of labels that are boxes only.
    """
    if task == OBJECTS and not semantic_too:
        return data
    if is_of_class_maps(data):
        if task == SEMANTIC:
            said = [problem for problem in data.problems if PARTS not in problem]
            sources: Sequence[RecordSource] = ClassMaps(data.sources)
            ids = data.sources[0].numbers  # type: ignore[attr-defined]
            return replace(data, task=SEMANTIC, sources=sources, has_class_maps=True, problems=said, category_ids=ids)
        return replace(data, sources=Painted(data.sources), has_class_maps=True)
    if not data.has_masks:
        raise DataError(
            f"{data.path} has boxes but no masks, and a box does not say which of its samples are of the object: class "
            "maps need masks, or a picture of class numbers for each image."
        )
    return replace(data, task=task, has_class_maps=True, background=True, sources=Painted(data.sources))


def is_of_class_maps(data: Dataset) -> bool:
    """Whether the label files are class maps."""
    return len(data.sources) > 0 and isinstance(data.sources[0], MapSource)


def has_maps_alone(data: Dataset) -> bool:
    """Whether the records have class maps and no objects."""
    return isinstance(data.sources, ClassMaps)


def parts_of_maps(data: Dataset) -> Dataset:
    """The data with the objects that the parts of its class maps are, where it has class maps alone."""
    if not isinstance(data.sources, ClassMaps):
        return data
    return replace(data, task=OBJECTS, sources=data.sources.sources, has_class_maps=False)


class _Sources(Sequence[RecordSource]):
    """Sources that are made of others, each when it is asked for."""

    def __init__(self, sources: Sequence[RecordSource]) -> None:
        self.sources = sources

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> RecordSource: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordSource]: ...
    def __getitem__(self, index: int | slice) -> RecordSource | list[RecordSource]:
        own = self.sources[index]
        return self.made(own) if isinstance(index, int) else [self.made(one) for one in own]  # type: ignore[arg-type,union-attr]

    def made(self, source: RecordSource) -> RecordSource:
        """The source that takes the place of ``source``."""
        raise NotImplementedError


class ClassMaps(_Sources):
    """The class maps of files that are ones."""

    def made(self, source: RecordSource) -> RecordSource:
        return MapOnly(source)


class Painted(_Sources):
    """Objects with the class maps that they give."""

    def made(self, source: RecordSource) -> RecordSource:
        return WithMap(source)


@dataclass(frozen=True)
class MapOnly:
    """A class map without the objects that its parts would be."""

    source: RecordSource

    def record(self) -> Record:
        """Raises DataError where it cannot be read."""
        assert isinstance(self.source, MapSource)
        return self.source.class_map_record()

    def num_objects(self) -> int:
        return 0


@dataclass(frozen=True)
class WithMap:
    """A record of objects with the class map that they give."""

    source: RecordSource

    def record(self) -> Record:
        """Raises DataError where it cannot be read."""
        record = self.source.record()
        if isinstance(self.source, MapSource):  # which knows more than its objects do: what is unlabelled
            return replace(record, class_map=self.source.class_map_record().class_map)
        return replace(record, class_map=paint(record))

    def num_objects(self) -> int:
        return self.source.num_objects()


def paint(record: Record) -> np.ndarray:
    """The class map of a record's objects, int16 ``[*S]``.

    Where objects overlap, the smaller one lies on top: a tie is in front of its person. Nobody says what a sample is
    that belongs to a crowd, lies in the box of an object without a mask, or beyond a side that nobody labelled, unless
    an object covers it, nor outside of the part of the file that was labelled.

    Raises:
        DataError: neither the labels nor the file say how large it is.
    """
    shape = record.spatial_shape or (None if record.regions is None else record.regions.spatial_shape)
    if shape is None:
        raise DataError(f"{record.source} does not say how large it is, so no class map can be made of its labels.")
    classes = np.zeros(shape, dtype=np.int16)
    areas = np.zeros(len(record)) if record.regions is None else record.regions.areas()
    crowd = np.zeros(len(record), bool) if record.crowd is None else record.crowd
    for i in np.flatnonzero((areas == 0) | _half_known(record)).tolist():
        classes[_around(record, i, shape)] = IGNORED
    order = np.lexsort((-areas, ~crowd))  # crowds first, then the largest
    for i in order[areas[order] > 0].tolist():
        assert record.regions is not None
        where, window = record.regions.window_slices(i), record.regions.window(i)
        classes[where][window] = IGNORED if crowd[i] else record.labels[i]
    if record.extent is None:
        return classes
    low, high = np.asarray(record.extent, dtype=np.float64).reshape(2, -1)[:, ::-1]
    inside = tuple(slice(max(int(np.floor(a)), 0), max(int(np.ceil(b)), 0)) for a, b in zip(low, high))
    labelled = np.full_like(classes, IGNORED)
    labelled[inside] = classes[inside]
    return labelled


def _half_known(record: Record) -> np.ndarray:
    if record.unknown_sides is None:
        return np.zeros(len(record), bool)
    return np.asarray(record.unknown_sides.any(1))


def _around(record: Record, i: int, shape: Sequence[int]) -> tuple[slice, ...]:
    """The box of object ``i``, as long again beyond a side that nobody labelled."""
    low, high = record.boxes[i].astype(np.float64).reshape(2, -1)
    if record.unknown_sides is not None:
        unknown = record.unknown_sides[i].reshape(2, -1)
        length = high - low
        low, high = low - length * unknown[0], high + length * unknown[1]
    sides = zip(np.floor(low[::-1]), np.ceil(high[::-1]), shape)
    return tuple(slice(max(int(a), 0), min(int(b), side)) for a, b, side in sides)
