"""How much of the labelled samples of a data set is of each class, and the weights that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.structures import IGNORED

MOST_MAPS = 300  # of a data set that are looked at for the weights, evenly spread
BOUND = 1.02  # keeps the weight of the rarest class at 1 / ln 1.02 = 50 at most (ENet, Paszke et al. 2016)


def counts_of(class_map: np.ndarray, num_classes: int) -> np.ndarray:
    """How many samples are of labels 0..K, and how many nobody labelled, int64 ``[K + 2]``."""
    rows = np.where(class_map == IGNORED, num_classes + 1, class_map)
    return np.bincount(rows.ravel(), minlength=num_classes + 2)


def count_classes(data: Dataset, most: int = MOST_MAPS) -> np.ndarray:
    """The counts of :func:`counts_of` over the maps of a data set; what cannot be read is passed over."""
    total = np.zeros(len(data.class_names) + 2, dtype=np.int64)
    for index in spread_over(len(data), most):
        try:
            class_map = data[index].class_map
        except DataError:
            continue
        if class_map is not None:
            total += counts_of(class_map, len(data.class_names))
    return total


def spread_over(length: int, most: int) -> Iterable[int]:
    """At most ``most`` of the indices 0..length - 1, evenly spread."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(int)).tolist() if length else []


def frequency_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Weights of classes that count more the rarer they are, ENet's: ``1 / ln(1.02 + share)``, brought to a mean of 1
    over the labelled samples.

    Args:
        counts: labelled samples of each class.
    """
    total = max(sum(counts), 1)
    raw = [1 / math.log(BOUND + count / total) for count in counts]
    mean = sum(weight * count for weight, count in zip(raw, counts)) / total or 1.0
    return tuple(round(weight / mean, 6) for weight in raw)
