"""What objects look like, from features that are there already; nothing is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from maskrcnn.config import PoolConfig
from maskrcnn.models.head import ObjectHead
from maskrcnn.models.pooling import PyramidPool, pool_inside
from maskrcnn.structures import ImageBatch, Instances

BINS = 7  # along each axis of a box


class AppearanceHead(ObjectHead):
    """``outputs["appearance"]``, ``[N, C]``: the mean of a pyramid's features inside of each object, where a head
    before it has drawn masks, else inside of its box.

    Args:
        strides: of the pyramid's levels, D-tuples in tensor order, finest first.
    """

    def __init__(self, strides: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.pool = PyramidPool(PoolConfig(BINS, aligned=True), strides)

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        pooled = self.pool(features, [found.boxes for found in detections])
        for own, found in zip(pooled.split([len(found) for found in detections]), detections):
            drawn = found.mask_logits
            inside = own.new_ones((len(own), *own.shape[2:])) if drawn is None else drawn.float().sigmoid()
            found.outputs[self.name] = pool_inside([own], inside)

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        pooled = self.pool(features, boxes)
        return pool_inside([pooled], torch.ones_like(pooled[:, 0]))

    def written(self, found: Instances, i: int) -> dict[str, Any]:
        return {}
