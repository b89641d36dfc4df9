"""Label maps: pictures whose values are object numbers or class numbers, as other tools read them."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from maskrcnn.errors import UsageError
from maskrcnn.regions import Regions

MOST_NUMBERS = 65_535


def label_maps(regions: Regions, labels: Tensor, scores: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Which object and which class each sample belongs to; where objects overlap, the higher score has it.

    Args:
        regions: N objects on one canvas, of any number of dimensions.
        labels: int64 ``[N]``, 1..K.
        scores: float ``[N]``.

    Returns:
        Two uint16 arrays of the canvas' shape: object k as the number k + 1, and its label. 0 is background.

    Raises:
        UsageError: if there are more objects or classes than 16 bits can count.
    """
    most = max(len(regions), *labels.tolist(), 0)
    if most > MOST_NUMBERS:
        raise UsageError(
            f"A 16-bit label map holds {MOST_NUMBERS:,} objects and classes, and here are {most:,}: keep fewer objects "
            "of an image, or do without label maps."
        )
    instances = np.zeros(regions.spatial_shape, dtype=np.uint16)
    classes = np.zeros(regions.spatial_shape, dtype=np.uint16)
    for i in scores.argsort(stable=True).tolist():
        where, window = regions.window_slices(i), regions.window(i)
        instances[where][window] = i + 1
        classes[where][window] = int(labels[i])
    return instances, classes
