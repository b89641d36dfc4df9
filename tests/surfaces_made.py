"""A surface of four parts, and objects with points on it, made up on the spot."""

from __future__ import annotations

import numpy as np
import torch

from maskrcnn.config import SurfaceConfig
from maskrcnn.surfaces.points import SurfacePoints

# Parts 1 and 2 are each other's mirror images, 3 and 4 their own; u turns round in all of them.
FOUR = SurfaceConfig(
    "four",
    ("left", "right", "front", "back"),
    (2, 1, 3, 4),
    ((-1.0, 1.0, 1.0, 0.0),) * 4,
    ((1, 2), (1,), (2,), (3, 4)),
)


def random_points(counts, boxes, seed=0, surface=FOUR, coarse=()):
    """Points ``[T]`` within and a little around boxes ``[N, 2D]``, of every kind of part; some without u and v."""
    rng = np.random.default_rng(seed)
    ndim = boxes.shape[1] // 2
    objects = []
    for count, box in zip(counts, boxes.numpy()):
        low, high = box[:ndim], box[ndim:]
        places = low + rng.uniform(-0.1, 1.1, (count, ndim)) * (high - low)
        parts = rng.integers(-len(surface.groups), len(surface.parts) + 1, count)
        uv = np.where(rng.random((count, 1)) < 0.8, rng.random((count, 2)), np.nan)
        objects.append((places, parts, uv))
    coarse_boxes = boxes.numpy() if coarse else None
    return SurfacePoints.of_objects(surface.name, objects, coarse, coarse_boxes, ndim)


def same(a: SurfacePoints, b: SurfacePoints) -> bool:
    """Whether two labels say the same; what is unknown in both is the same."""
    drawn = zip(a.coarse, b.coarse, strict=True)
    return (
        a.surface == b.surface
        and torch.equal(a.counts, b.counts)
        and torch.allclose(a.places, b.places, atol=1e-4)
        and torch.equal(a.parts, b.parts)
        and torch.allclose(a.uv, b.uv, atol=1e-5, equal_nan=True)
        and all((x is None and y is None) or np.array_equal(x, y) for x, y in drawn)
        and torch.allclose(a.coarse_boxes, b.coarse_boxes, atol=1e-4)
    )
