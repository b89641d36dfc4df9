"""Files that are longer than what a model looks at: in an epoch each is seen as often as it takes to see all of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.records import Dataset
from maskrcnn.data.regrid import grid_shape
from maskrcnn.data.split import subset
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

MOST_VISITS = 256  # of one file in an epoch


def spread(data: Dataset, preprocess: PreprocessConfig, window: Sequence[int]) -> Dataset:
    """``data`` with each file as many times as windows (tensor order, samples of the model) fit into what was labelled
    of it; as it is for models that resize their images."""
    if preprocess.spacing is None:
        return data
    indices: list[int] = []
    for index in range(len(data)):
        indices += [index] * _visits(data, index, preprocess, window)
    return subset(data, indices)


def objects_in_window(data: Dataset, preprocess: PreprocessConfig, window: Sequence[int]) -> int:
    """Objects that a window shows in the file that is fullest of them, on average over the file."""
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
    shape: Sequence[float] = record.spatial_shape or (1,)
    if record.extent is not None:
        low, high = np.asarray(record.extent, dtype=np.float64).reshape(2, -1)[:, ::-1]
        shape = (high - low).tolist()
    own = grid_shape([round(side) for side in shape], record.spacing, preprocess)
    return math.prod(max(1.0, side / length) for side, length in zip(own, window))
