"""Rare classes are shown more often: repeat-factor sampling (Gupta et al. 2019, LVIS)."""

from __future__ import annotations

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError


def repeat_factors(data: Dataset, threshold: float) -> np.ndarray | None:
    """How often each image is shown against one of frequent classes alone, float64 ``[N]``, at least 1.

    A class that is in the part f of the images has the factor ``max(1, sqrt(threshold / f))``, an image the largest of
    its classes'. None where all are 1. What cannot be read has 1; it is named where it is used.
    """
    if threshold <= 0:
        return None
    inside = np.zeros((len(data), len(data.class_names) + 1), dtype=bool)
    for index in range(len(data)):
        try:
            record = data[index]
        except DataError:
            continue
        own = record.labels if record.crowd is None else record.labels[~record.crowd]
        inside[index, own[(own > 0) & (own < inside.shape[1])]] = True
    factors = image_factors(inside[:, 1:], threshold)
    return factors if (factors > 1).any() else None


def image_factors(inside: np.ndarray, threshold: float) -> np.ndarray:
    """See :func:`repeat_factors`; ``inside`` bool ``[N, K]`` says which classes an image shows."""
    part = np.maximum(inside.mean(0), 1e-12) if len(inside) else np.ones(inside.shape[1])
    of_class = np.maximum(1.0, np.sqrt(threshold / part))
    factors: np.ndarray = np.where(inside, of_class, 1.0).max(1, initial=1.0)
    return factors
