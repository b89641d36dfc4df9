"""A copy of a network in which what never changes is computed already: frozen norms are part of their kernels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.models.nd import ConvNorm, FrozenBatchNorm
from maskrcnn.ops.nd import FUNCTIONAL_CONV


class FoldedConv(nn.Module):
    """What a :class:`maskrcnn.models.nd.ConvNorm` with a frozen norm computes, as one convolution with a bias.

    Its padding is a constant: where TensorFlow's rule adds one sample at the high end, the input must be a whole number
    of strides long.
    """

    def __init__(self, layer: ConvNorm) -> None:
        super().__init__()
        scale, shift = cast(FrozenBatchNorm, layer.norm).affine()
        kernel = cast(Tensor, layer.conv.weight) * scale.reshape(-1, *(1,) * (layer.ndim + 1))
        self.weight, self.bias = (
            nn.Parameter(value.detach().clone(), requires_grad=False) for value in (kernel, shift)
        )
        self.stride, self.padding, self.groups = layer.stride, layer.padding, layer.groups
        self.pads = same_pads(layer.kernel, layer.stride) if layer.same_padding else []
        self.activation: Callable[[Tensor], Tensor] | None = layer.activation

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, self.pads) if self.pads else x
        convolve = FUNCTIONAL_CONV[x.ndim - 2]
        x = convolve(x, self.weight, self.bias, self.stride, self.padding, (1,) * (x.ndim - 2), self.groups)
        return x if self.activation is None else self.activation(x)


def same_pads(kernel: int, stride: Sequence[int]) -> list[int]:
    """Pads (low, high) of TensorFlow's SAME for extents that are whole strides, last axis first as ``F.pad`` wants."""
    pads: list[int] = []
    for step in reversed(stride):
        total = max(kernel - step, 0)
        pads += [total // 2, total - total // 2]
    return pads


def folded(network: nn.Module) -> nn.Module:
    """A copy of a network, on the CPU and in evaluation mode, without frozen norms.

    Args:
        network: stays as it is.

    Returns:
        The copy, which computes the same.
    """
    network = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    with torch.no_grad():
        for parent in list(network.modules()):
            for name, child in parent.named_children():
                if isinstance(child, ConvNorm) and isinstance(child.norm, FrozenBatchNorm):
                    setattr(parent, name, FoldedConv(child))
    return network


def needs_whole_strides(network: nn.Module) -> bool:
    """Whether a network has layers whose folded form takes inputs of whole strides alone."""
    return any(isinstance(layer, ConvNorm) and layer.same_padding for layer in network.modules())
