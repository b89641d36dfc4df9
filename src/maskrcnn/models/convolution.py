"""Layers in any D that torch's own are too slow or too inexact for.

Convolution goes by Winograd's tiles where that is faster and in full precision where it must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from maskrcnn.ops.nd import FUNCTIONAL_CONV, channels_last
from maskrcnn.ops.winograd import best_tile, conv_by_tiles


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    groups: int,
    layer: nn.Module,
) -> Tensor:
    """Convolve; by tiles (``ops/winograd.py``) where that is faster and nobody learns.

    In training every walk over a batch must find the same proposals, with gradients or without: no
    tiles there.

    Args:
        x: ``[B, C, *S]``.
        weight: ``[O, C / groups, *kernel]``.
        bias: ``[O]``, or None.
        stride: along each axis, tensor order.
        padding: zeros at each end of each axis, tensor order.
        groups: of channels that do not see each other.
        layer: whose convolution it is, with its ``dilation`` where it has any. One that falls back
            to full precision is marked, see :func:`layers_in_full_precision`.

    Returns:
        ``[B, O, *S']``.
    """
    ndim = x.ndim - 2
    dilation: tuple[int, ...] = getattr(layer, "dilation", (1,) * ndim)
    if needs_full_precision(x, weight, stride):
        layer.fell_back = True  # type: ignore[assignment]
        with torch.autocast(x.device.type, enabled=False):
            full = x.float(), weight.float(), None if bias is None else bias.float()
            return FUNCTIONAL_CONV[ndim](*full, tuple(stride), tuple(padding), dilation, groups)
    plain = layer.training or groups > 1 or max(stride) > 1 or weight.shape[2:] != (3,) * ndim or min(padding) != 1
    plain = plain or max(dilation) > 1
    m = 0 if plain or not _may_use_tiles(x, weight) else best_tile(weight, len(x), x.shape[2:])
    if m:
        return conv_by_tiles(x, weight, bias, m)
    return FUNCTIONAL_CONV[ndim](x, weight, bias, tuple(stride), tuple(padding), dilation, groups)


def needs_full_precision(x: Tensor, weight: Tensor, stride: Sequence[int]) -> bool:
    """Whether gradients would be wrong in half precision: on a CPU, over a grid shorter along an
    axis than kernel or stride.

    There oneDNN 3.12 (torch 2.13) leaves part of a gradient unwritten, so that it holds what lay in
    that memory before, and in 3-D writes over memory that is not its own. ``tools/unwritten.py``
    finds no such layer outside this rule.

    Args:
        x: ``[B, C, *S]``.
        weight: ``[O, C, *kernel]``.
        stride: along each axis, tensor order.

    Returns:
        Whether to compute in float32.
    """
    half = x.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    if not half or x.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    return any(size < max(wide, step) for size, wide, step in zip(x.shape[2:], weight.shape[2:], stride))


def layers_in_full_precision(model: nn.Module) -> list[str]:
    """The names of the layers that :func:`needs_full_precision` has found so far."""
    return [name for name, layer in model.named_modules() if getattr(layer, "fell_back", False)]


def _may_use_tiles(x: Tensor, weight: Tensor) -> bool:
    """On a CPU, in full precision, without gradients, and not while a compiler looks on."""
    return (
        not torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype == weight.dtype
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


class ChannelsLastGroupNorm(nn.GroupNorm):
    """Group normalisation (Wu and He 2018), whose gradient in half precision on a CPU is taken channels first: channels
    last torch (2.13) takes up to ten times as long for both passes (``benchmarks/group_norm.py``)."""

    def forward(self, x: Tensor) -> Tensor:
        learns = torch.is_grad_enabled() and x.requires_grad and x.device.type == "cpu"
        if not learns or x.dtype not in (torch.bfloat16, torch.float16) or x.is_contiguous():
            return super().forward(x)
        normed: Tensor = _ChannelsLastGroupNorm.apply(x, self.weight, self.bias, self.num_groups, self.eps)  # type: ignore[no-untyped-call]
        return normed


class _ChannelsLastGroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        count, channels, samples = x.shape[0], x.shape[1], x[0, 0].numel()
        normed, mean, deviation = torch.native_group_norm(x, weight, bias, count, channels, samples, groups, eps)
        ctx.shape = (count, channels, samples, groups)
        ctx.save_for_backward(x, weight, mean, deviation)
        return normed

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, deviation = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        own, of_weight, of_bias = torch.ops.aten.native_group_norm_backward(
            gradient.contiguous(), x.contiguous(), mean, deviation, weight, *ctx.shape, wanted
        )
        return None if own is None else channels_last(own), of_weight, of_bias, None, None
