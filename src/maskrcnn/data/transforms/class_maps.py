"""Class maps on the grid of a sample: each of its samples has the label of the sample of the file under its middle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maskrcnn.regions import AxisMap
from maskrcnn.structures import IGNORED

MOST_LOOKED_AT = 1 << 16  # samples of a map in which a class is looked for


def class_map_on(class_map: np.ndarray | None, axis_map: AxisMap, spatial_shape: Sequence[int]) -> Tensor | None:
    """Bring a class map to the grid of a sample, however that was scaled, cut and turned.

    Args:
        class_map: int16 ``[*S]``, of the file; None: there is none.
        axis_map: from the file's coordinates to those of the sample.
        spatial_shape: of the sample, tensor order.

    Returns:
        Int16 ``[*spatial_shape]``, ``IGNORED`` beyond the file; None where there is no class map.
    """
    if class_map is None:
        return None
    inside, indices = [], []
    for side, old, scale, shift in zip(spatial_shape, class_map.shape, axis_map.scale[::-1], axis_map.shift[::-1]):
        at = np.floor((np.arange(side) + 0.5 - shift) / scale).astype(np.int64)
        inside.append((at >= 0) & (at < old))
        indices.append(at.clip(0, old - 1))
    labels = class_map[np.ix_(*indices)]
    for axis, seen in enumerate(inside):
        labels[(slice(None),) * axis + (~seen,)] = IGNORED
    return torch.from_numpy(labels)


def draw_class_focus(
    class_map: np.ndarray, low: Sequence[int], high: Sequence[int], generator: np.random.Generator
) -> tuple[int, ...] | None:
    """Draw a sample of a class that is drawn first, so that crops show what is rare as often as what is everywhere.

    Args:
        class_map: int16 ``[*S]``.
        low: the first sample of the part from which is drawn, tensor order.
        high: the one after its last.
        generator: what is drawn comes from.

    Returns:
        Its position in the part, tensor order; None where nothing is labelled.
    """
    part = class_map[tuple(slice(a, b) for a, b in zip(low, high))]
    step = max(1, int(np.ceil((part.size / MOST_LOOKED_AT) ** (1 / part.ndim))))
    thin = part[(slice(None, None, step),) * part.ndim]
    labels = np.unique(thin)
    labels = labels[labels != IGNORED]
    if not len(labels):
        return None
    places = np.argwhere(thin == labels[int(generator.integers(len(labels)))])
    place = places[int(generator.integers(len(places)))]
    return tuple(int(at) * step for at in place)
