"""Made-up samples of any D, for tests: a model that cannot learn these by heart has a fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from maskrcnn.data.transforms.samples import Sample
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances

NOISE = 0.25
MAX_OBJECTS = 3


def synthetic_samples(
    ndim: int, count: int, spatial_shape: Sequence[int], seed: int = 0, num_classes: int = 2, channels: int = 3
) -> list[Sample]:
    """Boxes (odd labels) and ellipsoids (even labels) on noise, each class of its own brightness.

    Args:
        ndim: D, 1 to 3.
        count: of samples; each holds one to three objects, which may touch or hide parts of each
            other.
        spatial_shape: of each sample, tensor order, at least 8 along every axis.
        seed: the samples follow from it.
        num_classes: labels are 1..num_classes.
        channels: C; all are alike but for their noise.

    Returns:
        The samples.

    Raises:
        ValueError: where ``spatial_shape`` is not D numbers.
    """
    if len(spatial_shape) != ndim:
        raise ValueError(f"spatial_shape {tuple(spatial_shape)} has not {ndim} sides.")
    shape = tuple(int(side) for side in spatial_shape)
    generator = np.random.default_rng(seed)
    return [_synthetic_sample(index, shape, generator, num_classes, channels) for index in range(count)]


def _synthetic_sample(
    index: int, shape: tuple[int, ...], generator: np.random.Generator, num_classes: int, channels: int
) -> Sample:
    label_map = np.zeros(shape, dtype=np.int64)
    labels = generator.integers(1, num_classes + 1, size=generator.integers(1, MAX_OBJECTS + 1))
    for number, label in enumerate(labels, start=1):
        label_map[_draw_shape(shape, generator, round_shape=label % 2 == 0)] = number
    visible = np.setdiff1d(np.unique(label_map), [0])
    regions = Regions.from_label_map(label_map)
    brightness = np.concatenate([[0.0], labels * 2.0 / num_classes])[label_map]
    noise = generator.normal(0, NOISE, size=(channels, *shape))
    target = Instances(
        boxes=torch.from_numpy(regions.boxes()),
        labels=torch.from_numpy(labels[visible - 1]),
        regions=regions,
        crowd=torch.zeros(len(regions), dtype=torch.bool),
    )
    image = torch.from_numpy((brightness + noise).astype(np.float32))
    return Sample(image, target, AxisMap.identity(len(shape)), shape, index, index, f"synthetic {index}")


def _draw_shape(shape: tuple[int, ...], generator: np.random.Generator, round_shape: bool) -> np.ndarray:
    """The boolean mask of a box or ellipsoid of a quarter to a half of each side, at a random place."""
    sides = np.array(shape)
    extent = generator.uniform(0.25, 0.5, len(shape)) * sides
    centre = generator.uniform(extent / 2, sides - extent / 2)
    grid = np.meshgrid(*(np.arange(side) + 0.5 for side in shape), indexing="ij")
    distance = np.stack([(axis - c) / (e / 2) for axis, c, e in zip(grid, centre, extent)])
    inside: np.ndarray = (distance**2).sum(0) <= 1 if round_shape else (np.abs(distance) <= 1).all(0)
    return inside
