"""A data set: records read when they are asked for, and what is known of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.pictures import read_record_image
from maskrcnn.moved import moved_names
from maskrcnn.structures import Record

UNNAMED = "object"  # the class of labels that tell objects apart but do not name them

__getattr__ = moved_names("data.dataset")  # open_dataset lived here


class RecordSource(Protocol):
    """Where one record comes from; a reader makes one for each image and keeps it small."""

    def record(self) -> Record:
        """Read the labels (not the image). Raises DataError where they cannot be read."""

    def num_objects(self) -> int:
        """Objects that are no crowd."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images in the order of their files: ``len(dataset)``, ``dataset[i] -> Record``.

    Attributes:
        path: what was opened.
        class_names: label k is ``class_names[k - 1]``.
        category_ids: the data set's own id of each class, in the same order.
        sources: one for each image.
        has_masks: False where the labels are boxes only.
        problems: one sentence for each fault that was found and passed over.
        keypoint_names: of the P keypoints of an object; empty where there are none.
        skeleton: pairs of keypoints, counted from 0, that a limb joins.
        read_image: gives the samples ``[C, *S]`` of a record, 0..255 for images.
        kind: what its files are: ``image``; with samples of a physical extent ``wfdb``, ``audio``, ``series``, ``dna``,
            ``volume``.
        labels: of volumes, what the numbers of their label volumes mean, see
            :mod:`maskrcnn.modalities.volumes.label_meaning`.
        measures: what its field measures beside average precision, or None: called with the data set, the records
            that could be read, what was found in each, and the same in each channel by itself or None; it gives a
            :class:`~maskrcnn.evaluation.fields.FieldResult`.
        task: what is learned from it: ``instances``, ``semantic`` (see :mod:`maskrcnn.data.class_maps.tasks`) or
            ``whole`` (labels of whole files).
        has_class_maps: whether records have class maps.
        background: of data with class maps: whether a sample may be of no class.
        file_labels: of labels of whole files: ``classes`` (one a file), ``labels`` (any number of them) or ``number``.
    """

    path: Path
    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    sources: Sequence[RecordSource]
    has_masks: bool
    problems: list[str] = field(default_factory=list)
    keypoint_names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    read_image: Callable[[Record], Tensor] = read_record_image
    kind: str = "image"
    labels: str = ""
    measures: Callable[..., Any] | None = None
    task: str = "instances"
    has_class_maps: bool = False
    background: bool = True
    file_labels: str = ""

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Record:
        """The record of image ``index``. Raises DataError where its labels cannot be read."""
        return self.sources[index].record()

    def __iter__(self) -> Iterator[Record]:
        return (source.record() for source in self.sources)

    def max_objects(self) -> int:
        """Objects (no crowds) in the image that has most of them; label maps are all read for it. What cannot be read
        counts as empty here, and is named where it is used."""
        with ThreadPoolExecutor() as pool:
            return max(pool.map(_num_objects, self.sources), default=0)


def _num_objects(source: RecordSource) -> int:
    try:
        return source.num_objects()
    except DataError:
        return 0
