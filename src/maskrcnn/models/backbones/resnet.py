"""ResNet (He et al. 2015) in any number of dimensions, as a pyramid's body: it ends at its last convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import BackboneConfig
from maskrcnn.models.nd import ConvNorm, init_he, max_pool

DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
BASIC = ("resnet18", "resnet34")


def _relu(x: Tensor) -> Tensor:
    return F.relu(x, inplace=True)


class Block(nn.Module):
    """A residual block: two 3-wide convolutions (basic), or 1-3-1 wide with a narrow middle (bottleneck)."""

    def __init__(
        self, ndim: int, in_channels: int, width: int, stride: Sequence[int], basic: bool, config: BackboneConfig
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        one = (1,) * ndim
        out_channels = width if basic else 4 * width
        if basic:
            plan = [(3, width, stride), (3, width, one)]
        elif config.stride_in_1x1:
            plan = [(1, width, stride), (3, width, one), (1, out_channels, one)]
        else:
            plan = [(1, width, one), (3, width, stride), (1, out_channels, one)]
        layers, before = [], in_channels
        for i, (kernel, after, step) in enumerate(plan):
            activation = None if i == len(plan) - 1 else _relu
            layers.append(ConvNorm(ndim, before, after, kernel, step, activation=activation, **options))
            before = after
        self.layers = nn.Sequential(*layers)
        changes = in_channels != out_channels or max(stride) > 1
        self.shortcut = ConvNorm(ndim, in_channels, out_channels, 1, stride, **options) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return _relu(self.layers(x).add_(self.shortcut(x)))  # in place: a new tensor costs more than the sum


class ResNet(nn.Module):
    """``[B, in_channels, *S]`` to the outputs of its four stages, finest first.

    Attributes:
        channels: of each output.
        strides: of each output, D-tuples in tensor order.
        first: channels and stride of the first resolution.
    """

    def __init__(self, ndim: int, in_channels: int, config: BackboneConfig) -> None:
        super().__init__()
        reductions = config.reductions or ((2,) * ndim,) * 5
        basic = config.body in BASIC
        options: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        self.stem = ConvNorm(ndim, in_channels, config.width, 7, reductions[0], activation=_relu, **options)
        self.pool_stride = tuple(reductions[1])
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        self.strides: list[tuple[int, ...]] = []
        stride = tuple(a * b for a, b in zip(reductions[0], reductions[1]))
        before = config.width
        self.first = (config.width, tuple(reductions[0]))
        widths = [config.width * 2**k for k in range(4)]
        for width, depth, step in zip(widths, DEPTHS[config.body], ((1,) * ndim, *reductions[2:])):
            blocks = []
            for i in range(depth):
                blocks.append(Block(ndim, before, width, step if i == 0 else (1,) * ndim, basic, config))
                before = width if basic else 4 * width
            self.stages.append(nn.Sequential(*blocks))
            stride = tuple(a * b for a, b in zip(stride, step))
            self.channels.append(before)
            self.strides.append(stride)
        init_he(self)

    def forward(self, x: Tensor, first: bool = False) -> list[Tensor]:
        """The outputs; with ``first`` what there is at the first resolution comes before them."""
        x = self.stem(x)
        outputs = [x] if first else []
        x = max_pool(x, 3, self.pool_stride, 1)
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs

    def early_layers(self) -> list[nn.Module]:
        """What runs before the second output; a pre-trained body is often left as it is up to here."""
        return [self.stem, self.stages[0]]
