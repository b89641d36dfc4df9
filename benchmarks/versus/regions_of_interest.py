"""RoIAlign of 1000 boxes on the four levels of an 800 x 1088 image, 7 x 7 bins, handed over as torchvision has them:
channels first. Ours reads channels-last rows and turns them inside the clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from cases import Arrays, Case, Work, largest_difference
from maskrcnn.config import PoolConfig
from maskrcnn.models.pooling import PyramidPool

SHAPE, STRIDES, BOXES, BINS = (800, 1088), (4, 8, 16, 32), 1000, 7


def features() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 256, *(size // stride for size in SHAPE), generator=generator) for stride in STRIDES]


def boxes() -> Tensor:
    """Sides from 8 to 600 pixels, as many in each octave, so that every level is read."""
    generator = np.random.default_rng(0)
    side = np.exp(generator.uniform(np.log(8), np.log(600), (BOXES, 2)))
    centre = generator.uniform(0, 1, (BOXES, 2)) * SHAPE[::-1]
    corners = np.concatenate([centre - side / 2, centre + side / 2], 1)
    return torch.from_numpy(corners.clip(0, np.tile(SHAPE[::-1], 2)).astype(np.float32))


def work(pool: Callable[[list[Tensor], Tensor], Tensor], backward: bool) -> Work:
    levels, rois = features(), boxes()
    weight = torch.randn(BOXES, 256, BINS, BINS, generator=torch.Generator().manual_seed(1))

    def forward() -> Arrays:
        with torch.inference_mode():
            return {"pooled": pool(levels, rois).numpy()}

    def both() -> Arrays:
        leaves = [level.requires_grad_() for level in levels]
        for leaf in leaves:
            leaf.grad = None
        pool(leaves, rois).backward(weight)
        return {f"gradient {i}": leaf.grad.numpy() for i, leaf in enumerate(leaves) if leaf.grad is not None}

    return both if backward else forward


def ours(backward: bool) -> Work:
    pool = PyramidPool(PoolConfig(BINS, sampling_ratio=2), [(s, s) for s in (*STRIDES, 64)])
    return work(lambda levels, rois: pool(levels, [rois]), backward)


def theirs(backward: bool) -> Work:
    from torchvision.ops import MultiScaleRoIAlign

    pool = MultiScaleRoIAlign([str(i) for i in range(len(STRIDES))], BINS, 2)
    return work(lambda x, rois: pool({str(i): level for i, level in enumerate(x)}, [rois], [SHAPE]), backward)


def case(title: str, backward: bool, rounds: int, aim: float) -> Case:
    return Case(title, partial(ours, backward), partial(theirs, backward), largest_difference, rounds, aim)


CASES = {
    "roi_align": case("RoIAlign, 1000 boxes, forward", False, 9, 12.0),
    "roi_align_backward": case("RoIAlign, forward and backward", True, 7, 3.5),
}
