"""Several data sets, of the same or of different classes, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from torch import Tensor

from maskrcnn.data.dataset import Dataset, RecordSource
from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.structures import IGNORED, OTHER, Record

UNNAMED = 0  # in a table of labels: of no class, left out


def combine(
    datasets: Sequence[Dataset], class_names: Sequence[str] | None = None, extra: Sequence[Dataset] = ()
) -> Dataset:
    """The images of all ``datasets``, then those of ``extra``.

    A class that a data set does not have was not searched for in its images: there it is not exhaustive. Image ids are
    the positions in the combination, from 1. A data set of boxes among others with masks has objects without a mask,
    one of no keypoints among others has unlabelled ones.

    Args:
        datasets: at least one.
        class_names: of the combination; None: those of ``datasets`` in the order in which they
            first appear. Objects of other classes are left out.
        extra: data sets whose objects of other classes are kept, with the label ``OTHER``: they
            show where objects are and what masks look like.

    Returns:
        One data set.

    Raises:
        DataError: keypoints of different names, or files of different kinds.
    """
    names = tuple(dict.fromkeys(name for data in datasets for name in data.class_names))
    names = names if class_names is None else tuple(class_names)
    if len(datasets) == 1 and not extra and datasets[0].class_names == names:
        return datasets[0]
    everything = [*datasets, *extra]
    kinds = {data.kind: data for data in everything}
    if len(kinds) > 1:
        first, second, *_ = kinds.values()
        raise DataError(
            f"{first.path} and {second.path} hold files of different kinds ({first.kind}, {second.kind}), so they "
            "cannot be trained on together; train on one of them."
        )
    if len({data.labels for data in datasets}) > 1:
        raise DataError(
            f"The numbers in the label volumes of {' and '.join(str(data.path) for data in datasets)} mean different "
            f"things ({', '.join(data.labels for data in datasets)}); say with --labels what they all are."
        )
    keypoints = _keypoints_of(everything)
    has_masks = any(data.has_masks for data in everything)
    others = [UNNAMED] * len(datasets) + [OTHER] * len(extra)
    parts = [_part(data, names, other) for data, other in zip(everything, others)]
    images = CombinedRecords(tuple(parts), len(names), has_masks, len(keypoints.keypoint_names))
    return Dataset(
        path=Path(" + ".join(str(data.path) for data in everything)),
        class_names=names,
        category_ids=_category_ids(everything, names),
        sources=images,
        has_masks=has_masks,
        problems=[problem for data in everything for problem in data.problems],
        keypoint_names=keypoints.keypoint_names,
        skeleton=keypoints.skeleton,
        kind=everything[0].kind,
        labels=everything[0].labels,
        read_image=images.read_image,
        measures=everything[0].measures,
        task=everything[0].task,
        has_class_maps=all(data.has_class_maps for data in everything),
        background=any(data.background for data in everything),
    )


@dataclass(frozen=True)
class Part:
    """A data set in a combination.

    Attributes:
        data: as it is.
        labels: int64 ``[K_own + 1]``: what its labels 0..K_own are in the combination.
    """

    data: Dataset
    labels: np.ndarray


@dataclass(frozen=True)
class CombinedRecord:
    """One image of :class:`CombinedRecords`, made when it is asked for."""

    records: CombinedRecords
    index: int

    def record(self) -> Record:
        return self.records.record(self.index)

    def num_objects(self) -> int:
        part, index = self.records.locate(self.index)
        return part.data.sources[index].num_objects()


@dataclass(frozen=True)
class CombinedRecords(Sequence[RecordSource]):
    """The images of all parts in a row."""

    parts: tuple[Part, ...]
    num_classes: int
    has_masks: bool
    num_keypoints: int

    def __len__(self) -> int:
        return sum(len(part.data) for part in self.parts)

    @overload
    def __getitem__(self, index: int) -> CombinedRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[CombinedRecord]: ...
    def __getitem__(self, index: int | slice) -> CombinedRecord | list[CombinedRecord]:
        chosen = range(len(self))[index]
        return CombinedRecord(self, chosen) if isinstance(chosen, int) else [CombinedRecord(self, i) for i in chosen]

    def locate(self, index: int) -> tuple[Part, int]:
        """The part that image ``index`` is from and its position there."""
        for part in self.parts:
            if index < len(part.data):
                return part, index
            index -= len(part.data)
        raise IndexError("no such image in the combination")

    def record(self, index: int) -> Record:
        """The labels of image ``index``. Raises DataError where they cannot be read."""
        part, own_index = self.locate(index)
        own = part.data[own_index]
        labels = part.labels[own.labels]
        ndim = own.boxes.shape[1] // 2
        regions, keypoints = own.regions, own.keypoints
        if regions is None and self.has_masks:
            regions = Regions.blank(own.spatial_shape or (1,) * ndim, len(own))
        if keypoints is None and self.num_keypoints:
            keypoints = np.zeros((len(own), self.num_keypoints, ndim + 1), dtype=np.float32)
        whole = replace(
            own,
            image_id=index + 1,
            labels=labels,
            regions=regions,
            keypoints=keypoints,
            exhaustive=self._exhaustive(part, own),
            class_map=_renamed(own.class_map, part.labels),
        )
        return _keep_objects(whole, labels != UNNAMED)

    def _exhaustive(self, part: Part, own: Record) -> frozenset[int] | None:
        exhaustive = part.labels[1:] if own.exhaustive is None else part.labels[sorted(own.exhaustive)]
        known = frozenset(int(label) for label in exhaustive if label > 0)
        return None if len(known) == self.num_classes else known

    def read_image(self, record: Record) -> Tensor:
        """The image of one of these records, as its own data set reads it."""
        part, _ = self.locate(int(record.image_id) - 1)
        return part.data.read_image(record)


def _renamed(class_map: np.ndarray | None, labels: np.ndarray) -> np.ndarray | None:
    """A class map under the combination's labels; of a class that it does not have nobody says what it is."""
    if class_map is None:
        return None
    table = np.where(labels > 0, labels, IGNORED).astype(np.int16)
    table[0] = 0
    return np.where(class_map == IGNORED, np.int16(IGNORED), table[class_map.clip(min=0)])


def _part(data: Dataset, names: Sequence[str], other: int) -> Part:
    labels = [names.index(name) + 1 if name in names else other for name in data.class_names]
    return Part(data, np.array([UNNAMED, *labels], dtype=np.int64))


def _keep_objects(record: Record, keep: np.ndarray) -> Record:
    """The record with the objects of which ``keep`` ``[N]`` is True."""
    each = ("boxes", "labels", "regions", "crowd", "keypoints", "areas", "unknown_sides", "surface")
    values: dict[str, Any] = {name: getattr(record, name) for name in each}
    return replace(record, **{name: value[keep] for name, value in values.items() if value is not None})


def _keypoints_of(datasets: Sequence[Dataset]) -> Dataset:
    """A data set whose keypoints are those of all that have any."""
    pointed = [data for data in datasets if data.keypoint_names] or list(datasets[:1])
    for data in pointed:
        if data.keypoint_names != pointed[0].keypoint_names:
            raise DataError(
                f"{data.path} and {pointed[0].path} have keypoints of different names, so they cannot be trained on "
                "together; train on one of them."
            )
    return pointed[0]


def _category_ids(datasets: Sequence[Dataset], names: Sequence[str]) -> tuple[int, ...]:
    """Each class's id where it first appears, or a free one where another class has it."""
    ids: dict[str, int] = {}
    for data in datasets:
        for name, category_id in zip(data.class_names, data.category_ids):
            if name in names and name not in ids and category_id not in ids.values():
                ids[name] = category_id
    free = iter(k for k in range(1, len(names) + len(ids) + 1) if k not in ids.values())
    return tuple(ids[name] if name in ids else next(free) for name in names)
