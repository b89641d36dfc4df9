"""RoIAlign over a pyramid: each box from the level that suits its size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.config import PoolConfig
from maskrcnn.ops.nd import interpolate
from maskrcnn.ops.roi_align import assign_levels, roi_align

FAINT = 1e-6  # is nothing, but no division by 0


class PyramidPool:
    """Pools boxes from the levels of a pyramid, except the coarsest, which is the RPN's own; where several have one
    stride, from the first of them.

    Args:
        strides: of all levels, D-tuples in tensor order, finest first.
    """

    def __init__(self, config: PoolConfig, strides: Sequence[tuple[int, ...]]) -> None:
        self.config = config
        self.strides = list(strides[:-1])
        self.levels = len(set(self.strides))
        ndim = len(self.strides[0])
        self.output_size = (config.output_size,) * ndim
        # Level l has stride 2^l; where the stride differs by axis, the whole number nearest to the mean of log2 counts.
        self.finest_level = round(math.log2(math.prod(self.strides[0])) / ndim)

    def __call__(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """``[R, C, *output_size]`` for the boxes ``[R_b, 2D]`` of every image, image by image."""
        flat = torch.cat(list(boxes))
        counts = torch.tensor([len(b) for b in boxes], device=flat.device)
        image_index = torch.arange(len(boxes), device=flat.device).repeat_interleave(counts)
        config = self.config
        levels = assign_levels(
            flat, self.levels, self.finest_level, config.canonical_size, epsilon_inside=config.epsilon_inside
        )
        return roi_align(
            features[: self.levels],
            flat,
            image_index,
            levels,
            self.strides[: self.levels],
            self.output_size,
            config.sampling_ratio,
            config.aligned,
        )


def pool_inside(outputs: Sequence[Tensor], inside: Tensor) -> Tensor:
    """What objects look like: the mean of each output inside of them, brought to length 1.

    Args:
        outputs: ``[R, C_k, *S_k]`` each, over one region an object.
        inside: ``[R, *M]``, 0..1: how much of each bin of the region is the object.

    Returns:
        float32 ``[R, C_1 + C_2 + ...]``.
    """
    means = []
    for output in outputs:
        weight = interpolate(inside[:, None].float(), output.shape[2:], antialias=True).flatten(2) + FAINT
        mean = (output.flatten(2).float() * weight).sum(-1) / weight.sum(-1)
        means.append(mean / mean.norm(dim=1, keepdim=True).clamp(min=FAINT))
    return torch.cat(means, 1)
