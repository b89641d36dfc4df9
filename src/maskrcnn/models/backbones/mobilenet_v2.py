"""MobileNetV2 (Sandler et al. 2018) in any number of dimensions, as a pyramid's body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import BackboneConfig
from maskrcnn.models.nd import ConvNorm, divisible_by_8, init_he

# expansion, channels, blocks, and which of the body's five reductions the first block makes (None: none)
STAGES = (
    (1, 16, 1, None),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 3),
    (6, 96, 3, None),
    (6, 160, 3, 4),
    (6, 320, 1, None),
)
# the last block of each resolution, from stride 4 on
OUTPUTS = (2, 5, 12, 16)
STEM_CHANNELS = 32
LAST_CHANNELS = 1280


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x, inplace=True)


class InvertedResidual(nn.Module):
    """Expand pointwise, filter depthwise, project linearly; added to its input where the shapes agree."""

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        out_channels: int,
        expansion: int,
        stride: Sequence[int],
        config: BackboneConfig,
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        norm: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        self.expand = (
            ConvNorm(ndim, in_channels, hidden, 1, activation=_relu6, **norm) if expansion > 1 else nn.Identity()
        )
        self.depthwise = ConvNorm(
            ndim,
            hidden,
            hidden,
            3,
            stride,
            hidden,
            same_padding=config.same_padding,
            activation=_relu6,
            **norm,
        )
        self.project = ConvNorm(ndim, hidden, out_channels, 1, **norm)
        self.residual = in_channels == out_channels and max(stride) == 1

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.project(self.depthwise(self.expand(x)))
        return out.add_(x) if self.residual else out


class MobileNetV2(nn.Module):
    """``[B, in_channels, *S]`` to four outputs, finest first; see :class:`maskrcnn.models.backbones.resnet.ResNet`.

    The coarsest output is the last, 1280 channels wide convolution, which detectors trained on it rely on.

    Raises:
        ValueError: ``config.outputs`` does not name blocks, each later than the one before.
    """

    def __init__(self, ndim: int, in_channels: int, config: BackboneConfig) -> None:
        super().__init__()
        reductions = config.reductions or ((2,) * ndim,) * 5
        norm: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        before, stride = divisible_by_8(STEM_CHANNELS * config.multiplier), tuple(reductions[0])
        self.stem = ConvNorm(
            ndim,
            in_channels,
            before,
            3,
            reductions[0],
            same_padding=config.same_padding,
            activation=_relu6,
            **norm,
        )
        self.blocks = nn.ModuleList()
        self.channels: list[int] = []
        self.strides: list[tuple[int, ...]] = []
        self.outputs = config.outputs or OUTPUTS
        for expansion, width, count, reduction in STAGES:
            channels = divisible_by_8(width * config.multiplier)
            for i in range(count):
                step = (1,) * ndim if reduction is None or i > 0 else tuple(reductions[reduction])
                stride = tuple(a * b for a, b in zip(stride, step))
                self.blocks.append(InvertedResidual(ndim, before, channels, expansion, step, config))
                before = channels
                if len(self.blocks) - 1 in self.outputs:
                    self.channels.append(channels)
                    self.strides.append(stride)
        if list(self.outputs) != sorted({*self.outputs} & {*range(len(self.blocks))}) or max(self.outputs) != 16:
            raise ValueError(f"outputs are blocks in their order, the last of them 16: {self.outputs}")
        self.first = (divisible_by_8(STAGES[0][1] * config.multiplier), tuple(reductions[0]))
        self.last = ConvNorm(ndim, before, LAST_CHANNELS, 1, activation=_relu6, **norm)
        self.channels[-1] = LAST_CHANNELS
        init_he(self)

    def forward(self, x: Tensor, first: bool = False) -> list[Tensor]:
        x = self.stem(x)
        outputs = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == 0 and first:
                outputs.append(x)
            if i in self.outputs:
                outputs.append(x)
        outputs[-1] = self.last(outputs[-1])
        return outputs

    def early_layers(self) -> list[nn.Module]:
        """What runs before the second output; a pre-trained body is often left as it is up to here."""
        return [self.stem, *self.blocks[: self.outputs[0] + 1]]
