"""Layers by number of dimensions D; with ``ops/nd.py`` the only place where D is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.models.convolution import ChannelsLastGroupNorm, convolve, needs_full_precision
from maskrcnn.ops.nd import max_pool1d

BATCH_NORM: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOL: dict[int, Callable[..., Tensor]] = {1: max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
Axes = int | tuple[int, ...]


class _Convolution:
    """What torch's convolutions compute, by :func:`convolve`."""

    def forward(self, x: Tensor) -> Tensor:
        own = cast(Any, self)
        return convolve(x, own.weight, own.bias, own.stride, own.padding, own.groups, own)


class Conv1d(_Convolution, nn.Conv1d):
    pass


class Conv2d(_Convolution, nn.Conv2d):
    pass


class Conv3d(_Convolution, nn.Conv3d):
    pass


class _TransposedConvolution:
    """What torch's transposed convolutions compute, in full precision where half is not to be trusted."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        own = cast(Any, self)
        plain = cast(Callable[..., Tensor], super().forward)  # type: ignore[misc]
        if not needs_full_precision(x, own.weight, own.stride):
            return plain(x, output_size)
        own.fell_back = True
        with torch.autocast(x.device.type, enabled=False):
            return plain(x.float(), output_size)


class ConvTranspose1d(_TransposedConvolution, nn.ConvTranspose1d):
    pass


class ConvTranspose2d(_TransposedConvolution, nn.ConvTranspose2d):
    pass


class ConvTranspose3d(_TransposedConvolution, nn.ConvTranspose3d):
    pass


CONV: dict[int, type[nn.Module]] = {1: Conv1d, 2: Conv2d, 3: Conv3d}
CONV_TRANSPOSE: dict[int, type[nn.Module]] = {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}


def conv(ndim: int, in_channels: int, out_channels: int, kernel: int, **options: object) -> nn.Module:
    """A convolution that is padded to keep the extent at stride 1.

    Args:
        ndim: D.
        in_channels: of the input.
        out_channels: of the output.
        kernel: its width along every axis.
        **options: further arguments of torch's layer.

    Returns:
        The layer.
    """
    options.setdefault("padding", kernel // 2)
    return CONV[ndim](in_channels, out_channels, kernel, **options)


def conv_transpose(ndim: int, in_channels: int, out_channels: int, factor: int) -> nn.Module:
    """A layer that upsamples by a whole factor, with a kernel as wide.

    Args:
        ndim: D.
        in_channels: of the input.
        out_channels: of the output.
        factor: along every axis.

    Returns:
        The layer.
    """
    return CONV_TRANSPOSE[ndim](in_channels, out_channels, factor, factor)


def max_pool(x: Tensor, kernel: Axes, stride: Axes, padding: Axes = 0) -> Tensor:
    """The maximum over windows.

    Args:
        x: ``[B, C, *S]``.
        kernel: width of a window, one number or one an axis.
        stride: from window to window.
        padding: at each end of each axis.

    Returns:
        ``[B, C, *S']``.
    """
    return MAX_POOL[x.ndim - 2](x, kernel, stride, padding)


class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose statistics and affine never change: one scale and one shift a channel.

    Args:
        eps: under the root; 0.0 for some of torchvision's published checkpoints.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale and shift, each ``[C]``."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return scale, self.bias - self.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = (v.reshape(1, -1, *(1,) * (x.ndim - 2)) for v in self.affine())
        return x * scale + shift


def norm(kind: str, ndim: int, channels: int, eps: float) -> nn.Module:
    """A normalising layer.

    Args:
        kind: ``frozen``, ``batch`` or ``group`` (32 groups, or fewer where the channels do not
            divide).
        ndim: D.
        channels: of the input.
        eps: under the root.

    Returns:
        The layer.
    """
    if kind == "frozen":
        return FrozenBatchNorm(channels, eps)
    if kind == "batch":
        return BATCH_NORM[ndim](channels, eps=eps)
    if kind == "group":
        groups = max(g for g in range(1, 33) if channels % g == 0)
        return ChannelsLastGroupNorm(groups, channels, eps=eps)
    raise ValueError(f"unknown norm {kind!r}: frozen, batch or group")


class ConvNorm(nn.Module):
    """Convolution without a bias, norm, activation.

    A frozen norm is multiplied into the (small) kernel instead of the (large) output: one pass over memory instead of
    two, in training as well, since gradients flow to the kernel through the product.

    Args:
        same_padding: pad as TensorFlow's SAME does: what is odd goes to the high end.
        activation: in place; None for a linear layer.
    """

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: Sequence[int] | int = 1,
        groups: int = 1,
        norm_kind: str = "frozen",
        norm_eps: float = 1e-5,
        same_padding: bool = False,
        activation: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.ndim, self.kernel, self.groups = ndim, kernel, groups
        self.stride = (stride,) * ndim if isinstance(stride, int) else tuple(stride)
        self.same_padding = same_padding and max(self.stride) > 1
        self.padding = (0 if self.same_padding else kernel // 2,) * ndim
        self.conv = CONV[ndim](in_channels, out_channels, kernel, self.stride, self.padding, groups=groups, bias=False)
        self.norm = norm(norm_kind, ndim, out_channels, norm_eps)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.same_padding:
            x = F.pad(x, _same_pads(x.shape[2:], self.kernel, self.stride))
        if isinstance(self.norm, FrozenBatchNorm):
            scale, shift = self.norm.affine()
            kernel = cast(Tensor, self.conv.weight) * scale.reshape(-1, *(1,) * (self.ndim + 1))
            x = convolve(x, kernel, shift, self.stride, self.padding, self.groups, self)
        else:
            x = self.norm(self.conv(x))
        return x if self.activation is None else self.activation(x)


def _same_pads(spatial_shape: Sequence[int], kernel: int, stride: Sequence[int]) -> list[int]:
    """Pads (low, high) for each axis, last axis first as ``F.pad`` wants them."""
    pads: list[int] = []
    for size, step in zip(reversed(spatial_shape), reversed(stride)):
        total = max((-(-size // step) - 1) * step + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return pads


class SeparableConv(nn.Sequential):
    """A 3-wide convolution as a depthwise and a pointwise one (MobileNets, Howard et al. 2017)."""

    def __init__(self, ndim: int, in_channels: int, out_channels: int) -> None:
        super().__init__(
            conv(ndim, in_channels, in_channels, 3, groups=in_channels, bias=False),
            conv(ndim, in_channels, out_channels, 1),
        )


def conv3(ndim: int, in_channels: int, out_channels: int, separable: bool = False) -> nn.Module:
    """A 3-wide convolution with a bias.

    Args:
        ndim: D.
        in_channels: of the input.
        out_channels: of the output.
        separable: each channel by itself first, then across channels.

    Returns:
        The layer.
    """
    return SeparableConv(ndim, in_channels, out_channels) if separable else conv(ndim, in_channels, out_channels, 3)


def conv_norm(
    ndim: int,
    in_channels: int,
    out_channels: int,
    kernel: int,
    norm_kind: str | None,
    norm_eps: float,
    activation: Callable[[Tensor], Tensor] | None = None,
) -> nn.Module:
    """A convolution with a norm in the place of its bias; without a norm a plain one, and no
    activation.

    Args:
        ndim: D.
        in_channels: of the input.
        out_channels: of the output.
        kernel: its width along every axis.
        norm_kind: see :func:`norm`; None: no norm.
        norm_eps: under the norm's root.
        activation: after the norm, or None.

    Returns:
        The layers.
    """
    if norm_kind is None:
        return conv(ndim, in_channels, out_channels, kernel)
    return ConvNorm(
        ndim, in_channels, out_channels, kernel, norm_kind=norm_kind, norm_eps=norm_eps, activation=activation
    )


def divisible_by_8(channels: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth less, as the MobileNets' authors round widths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def init_he(module: nn.Module) -> None:
    """He-normal weights (by outputs) and zero biases for every convolution and linear layer of ``module``."""
    for layer in module.modules():
        if isinstance(layer, (*CONV.values(), *CONV_TRANSPOSE.values(), nn.Linear)):
            nn.init.kaiming_normal_(cast(Tensor, layer.weight), mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(cast(Tensor, layer.bias))


def init_normal(module: nn.Module, std: float) -> None:
    """Normal weights of ``std`` and zero biases, for layers that predict."""
    for layer in module.modules():
        if isinstance(layer, (*CONV.values(), *CONV_TRANSPOSE.values(), nn.Linear)):
            nn.init.normal_(cast(Tensor, layer.weight), std=std)
            if layer.bias is not None:
                nn.init.zeros_(cast(Tensor, layer.bias))
