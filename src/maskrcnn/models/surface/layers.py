"""What a surface network may have before its convolutions: one level made of all, and dilated convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.models.nd import conv, conv3, norm
from maskrcnn.ops.nd import channels_last, interpolate

DILATIONS = (6, 12, 56)


class Decoder(nn.Module):
    """Levels ``[B, C, *S / stride]`` to one ``[B, C, *S]`` on the finest grid: the branch of Panoptic FPN (Kirillov
    et al. 2019), in which every level climbs by 3-wide convolutions and bilinear steps of 2, and all are summed.

    Args:
        width: channels on the way.
        strides: of the levels, D-tuples, finest first.
    """

    def __init__(self, ndim: int, channels: int, width: int, strides: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        steps = [round(math.log2(max(s / first for s, first in zip(own, strides[0])))) for own in strides]
        self.climbs = nn.ModuleList(
            nn.ModuleList(conv3(ndim, a, width) for a in [channels, *[width] * (max(count, 1) - 1)]) for count in steps
        )
        self.output = conv(ndim, width, channels, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        total = levels[0].new_zeros(())
        for level, (x, climb) in enumerate(zip(levels, self.climbs)):
            for grid, layer in zip(range(level - 1, -2, -1), cast(nn.ModuleList, climb)):
                x = F.relu(layer(channels_last(x)), inplace=True)
                x = x if level == 0 else interpolate(x, levels[grid].shape[2:])
            total = total + x
        fused: Tensor = self.output(channels_last(total))
        return fused


class AtrousPyramid(nn.Module):
    """``[R, C, *M]`` to the same shape: convolutions of several dilations beside each other and the mean over all bins
    (ASPP; DeepLabv3, Chen et al. 2017, with group norm)."""

    def __init__(self, ndim: int, channels: int, eps: float) -> None:
        super().__init__()
        reach = [{"dilation": step, "padding": step, "bias": False} for step in DILATIONS]
        layers = [conv(ndim, channels, channels, 1, bias=False)]
        layers += [conv(ndim, channels, channels, 3, **own) for own in reach]
        layers += [conv(ndim, channels, channels, 1, bias=False)]
        self.convs = nn.ModuleList(layers)
        self.norms = nn.ModuleList(norm("group", ndim, channels, eps) for _ in layers)
        self.output = conv(ndim, len(layers) * channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(2).mean(2).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))
        seen = [
            F.relu(own(layer(mean if k == len(self.convs) - 1 else x)))
            for k, (layer, own) in enumerate(zip(self.convs, self.norms))
        ]
        seen[-1] = seen[-1].expand_as(seen[0])
        output: Tensor = self.output(channels_last(torch.cat(seen, 1)))
        return F.relu(output)
