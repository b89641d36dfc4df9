"""MobileNetV3-Large (Howard et al. 2019) in any number of dimensions, as the body of torchvision's small detectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import BackboneConfig
from maskrcnn.models.nd import ConvNorm, conv, divisible_by_8, init_he

# The paper's table 1: kernel, expanded channels, channels, squeeze and excite, hard swish (else ReLU), and which of the
# body's five reductions the block makes (None: none).
BLOCKS = (
    (3, 16, 16, False, False, None),
    (3, 64, 24, False, False, 1),
    (3, 72, 24, False, False, None),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, None),
    (5, 120, 40, True, False, None),
    (3, 240, 80, False, True, 3),
    (3, 200, 80, False, True, None),
    (3, 184, 80, False, True, None),
    (3, 184, 80, False, True, None),
    (3, 480, 112, True, True, None),
    (3, 672, 112, True, True, None),
    (5, 672, 160, True, True, 4),
    (5, 960, 160, True, True, None),
    (5, 960, 160, True, True, None),
)
FIRST_OUTPUT = 12  # the block with the last reduction
LAST_CHANNELS = 960
EARLY = 3  # blocks that a pre-trained body is often left with as they are


def _relu(x: Tensor) -> Tensor:
    return F.relu(x, inplace=True)


def _hard_swish(x: Tensor) -> Tensor:
    return F.hardswish(x, inplace=True)


class Squeeze(nn.Module):
    """Each channel times a factor, 0..1, that follows from the means of all channels (Hu et al. 2018)."""

    def __init__(self, ndim: int, channels: int) -> None:
        super().__init__()
        squeezed = divisible_by_8(channels // 4)
        self.down = conv(ndim, channels, squeezed, 1)
        self.up = conv(ndim, squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(tuple(range(2, x.ndim)), keepdim=True)
        return x * F.hardsigmoid(self.up(F.relu(self.down(mean))))


class InvertedResidual(nn.Module):
    """Expand pointwise, filter depthwise, weigh the channels, project linearly; added to its input where the shapes
    agree."""

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        kernel: int,
        hidden: int,
        out_channels: int,
        squeeze: bool,
        activation: Callable[[Tensor], Tensor],
        stride: Sequence[int],
        config: BackboneConfig,
    ) -> None:
        super().__init__()
        norm: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        expands = hidden != in_channels
        self.expand = (
            ConvNorm(ndim, in_channels, hidden, 1, activation=activation, **norm) if expands else nn.Identity()
        )
        self.depthwise = ConvNorm(
            ndim,
            hidden,
            hidden,
            kernel,
            stride,
            hidden,
            same_padding=config.same_padding,
            activation=activation,
            **norm,
        )
        self.squeeze = Squeeze(ndim, hidden) if squeeze else nn.Identity()
        self.project = ConvNorm(ndim, hidden, out_channels, 1, **norm)
        self.residual = in_channels == out_channels and max(stride) == 1

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + out if self.residual else out


class MobileNetV3(nn.Module):
    """``[B, in_channels, *S]`` to two outputs of one stride, 32 as a rule: that of the block which makes the last
    reduction, and that of the last, 960 channels wide convolution. torchvision's pyramid stands on these two.
    """

    def __init__(self, ndim: int, in_channels: int, config: BackboneConfig) -> None:
        super().__init__()
        reductions = config.reductions or ((2,) * ndim,) * 5
        norm: dict[str, Any] = {"norm_kind": config.norm, "norm_eps": config.norm_eps}
        self.stem = ConvNorm(
            ndim, in_channels, 16, 3, reductions[0], same_padding=config.same_padding, activation=_hard_swish, **norm
        )
        self.blocks = nn.ModuleList()
        before, stride = 16, tuple(reductions[0])
        for kernel, hidden, channels, squeeze, swish, reduction in BLOCKS:
            step = (1,) * ndim if reduction is None else tuple(reductions[reduction])
            stride = tuple(a * b for a, b in zip(stride, step))
            activation = _hard_swish if swish else _relu
            self.blocks.append(
                InvertedResidual(ndim, before, kernel, hidden, channels, squeeze, activation, step, config)
            )
            before = channels
        self.last = ConvNorm(ndim, before, LAST_CHANNELS, 1, activation=_hard_swish, **norm)
        self.first = (BLOCKS[0][2], tuple(reductions[0]))
        self.channels = [BLOCKS[FIRST_OUTPUT][2], LAST_CHANNELS]
        self.strides: list[tuple[int, ...]] = [stride, stride]
        init_he(self)

    def forward(self, x: Tensor, first: bool = False) -> list[Tensor]:
        x = self.stem(x)
        outputs = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == FIRST_OUTPUT or (i == 0 and first):
                outputs.append(x)
        return [*outputs, self.last(x)]

    def early_layers(self) -> list[nn.Module]:
        """What a pre-trained body is often left with as it is: all up to stride 4."""
        return [self.stem, *self.blocks[:EARLY]]
