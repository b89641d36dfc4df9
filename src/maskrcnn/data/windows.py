"""Files that are longer than what a model looks at: in an epoch each is seen as often as it takes to see all of it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.data.transforms.regrid import grid_shape
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

MOST_VISITS = 256  # of one file in an epoch
MOST_REMEMBERED = 1 << 27  # bytes of files, in each process that loads


def spread(data: Dataset, preprocess: PreprocessConfig, window: Sequence[int]) -> Dataset:
    """Repeat each file as many times as windows fit into what was labelled of it.

    The data stay as they are for models that resize their images.

    Args:
        data: to learn from.
        preprocess: of the model.
        window: samples of the model, tensor order.

    Returns:
        The data, longer.
    """
    if preprocess.spacing is None:
        return data
    indices: list[int] = []
    for index in range(len(data)):
        indices += [index] * _visits(data, index, preprocess, window)
    return replace(subset(data, indices), read_image=Remembering(data.read_image))


class Remembering:
    """A way to read images that keeps those it read last: a long file is visited many times in an epoch."""

    def __init__(self, read_image: Callable[[Record], Tensor], most_bytes: int = MOST_REMEMBERED) -> None:
        self.read_image, self.most_bytes = read_image, most_bytes
        self.held: OrderedDict[tuple[str, int | str], Tensor] = OrderedDict()

    def __call__(self, record: Record) -> Tensor:
        name = (record.source, record.image_id)
        image = self.held.pop(name, None)
        self.held[name] = self.read_image(record) if image is None else image
        while len(self.held) > 1 and sum(one.nbytes for one in self.held.values()) > self.most_bytes:
            self.held.popitem(last=False)
        return self.held[name]


def objects_in_window(data: Dataset, preprocess: PreprocessConfig, window: Sequence[int]) -> int:
    """Count the objects that a window shows in the file that is fullest of them, on average over
    the file.

    Args:
        data: to learn from.
        preprocess: of the model.
        window: samples of the model, tensor order.

    Returns:
        How many.
    """
    most = 0.0
    for index in range(len(data)):
        try:
            record = data[index]
        except DataError:
            continue
        most = max(most, len(record) / max(_windows(record, preprocess, window), 1.0))
    return math.ceil(most)


def _visits(data: Dataset, index: int, preprocess: PreprocessConfig, window: Sequence[int]) -> int:
    """At least one: what cannot be read is named when its turn comes."""
    try:
        return min(MOST_VISITS, max(1, round(_windows(data[index], preprocess, window))))
    except DataError:
        return 1


def _windows(record: Record, preprocess: PreprocessConfig, window: Sequence[int]) -> float:
    """How many windows fit into the labelled part."""
    own = grid_shape([round(side) for side in _labelled_shape(record)], record.spacing, preprocess)
    return math.prod(max(1.0, side / length) for side, length in zip(own, window)) * (1 - unlabelled_part(record))


def unlabelled_part(record: Record) -> float:
    """Which part of what a file says is labelled are crowds of the class that has most of them: stretches in which
    there are such objects, and nobody labelled them."""
    if record.crowd is None or not record.crowd.any():
        return 0.0
    low, high = np.split(record.boxes[record.crowd].astype(np.float64), 2, axis=1)
    crowded = np.bincount(record.labels[record.crowd].clip(min=0), (high - low).prod(1)).max()
    return min(float(crowded) / max(math.prod(_labelled_shape(record)), 1.0), 1.0)


def _labelled_shape(record: Record) -> Sequence[float]:
    """Tensor order, samples of the file."""
    if record.extent is None:
        return record.spatial_shape or (1,)
    low, high = np.asarray(record.extent, dtype=np.float64).reshape(2, -1)[:, ::-1]
    extents: list[float] = (high - low).tolist()
    return extents
