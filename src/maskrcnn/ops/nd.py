"""What depends on the number of dimensions D in tensors; with ``models/nd.py`` the only place where D is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LINEAR_MODE = {1: "linear", 2: "bilinear", 3: "trilinear"}
FUNCTIONAL_CONV: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
MEMORY_FORMAT = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d}


def flip_axes(values: Sequence[int]) -> tuple[int, ...]:
    """Turn a D-tuple from tensor order (..., z, y, x) into x-first order, or back."""
    return tuple(reversed(tuple(values)))


def channels_last(x: Tensor) -> Tensor:
    """``[B, C, *S]`` in the memory format in which convolutions of its D run fastest (1-D has none of its own)."""
    return x.contiguous(memory_format=MEMORY_FORMAT[x.ndim - 2])


def interpolate(x: Tensor, spatial_shape: Sequence[int], antialias: bool = False) -> Tensor:
    """Resample linearly along every axis, corners not aligned.

    Args:
        x: ``[B, C, *S]``. uint8 is rounded to whole numbers; torch resizes it as it is (and fast)
            for images only, other D go through float32.
        spatial_shape: to resample to, tensor order.
        antialias: widen the kernel where an axis shrinks; torch offers it for images only, other D
            ignore it.

    Returns:
        ``[B, C, *spatial_shape]``.
    """
    ndim = x.ndim - 2
    if x.dtype == torch.uint8 and ndim != 2:
        return interpolate(x.float(), spatial_shape).round().to(torch.uint8)
    options = {"antialias": antialias} if ndim == 2 else {}
    return F.interpolate(x, size=tuple(spatial_shape), mode=LINEAR_MODE[ndim], align_corners=False, **options)


def max_pool1d(
    x: Tensor, kernel: int | tuple[int, ...], stride: int | tuple[int, ...], padding: int | tuple[int, ...] = 0
) -> Tensor:
    """The maximum over windows, over images of one row: torch's own takes the length that an exporter looks on with for
    good.

    Args:
        x: ``[B, C, N]``.
        kernel: width of a window.
        stride: from window to window.
        padding: at each end.

    Returns:
        ``[B, C, N']``.
    """
    k, s, p = (own if isinstance(own, int) else own[0] for own in (kernel, stride, padding))
    return F.max_pool2d(x[..., None, :], (1, k), (1, s), (0, p))[..., 0, :]


def nearest(x: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """Resample ``[B, C, *S]`` to ``spatial_shape`` by repeating (or dropping) samples."""
    return F.interpolate(x, size=tuple(spatial_shape), mode="nearest")


def add_nearest(fine: Tensor, coarse: Tensor) -> Tensor:
    """``fine`` plus ``coarse`` at its spatial shape, see :func:`nearest`; in ``fine``'s own memory where no gradient is
    asked for and each coarse sample lies over a whole number of fine ones."""
    shapes = list(zip(fine.shape[2:], coarse.shape[2:]))
    if torch.is_grad_enabled() or any(size % count for size, count in shapes):
        return fine + nearest(coarse, fine.shape[2:])
    parts = fine.view(*fine.shape[:2], *(n for size, count in shapes for n in (count, size // count)))
    parts += coarse.view(*coarse.shape[:2], *(n for count in coarse.shape[2:] for n in (count, 1)))
    return fine


def read_linear(
    x: Tensor, scale: Sequence[float], shift: Sequence[float], low: Sequence[int], high: Sequence[int]
) -> Tensor:
    """Read a grid linearly at the samples of a block of another grid, however large and turned that is.

    Args:
        x: ``[C, *G]``. Its sample k lies at k + 0.5; beyond the outermost ones it goes on as they are.
        scale: along each axis, tensor order, with ``shift`` from coordinates of the other grid to those of ``x``.
        shift: see ``scale``.
        low: the first sample of the block, tensor order.
        high: the one after its last.

    Returns:
        ``[C, *(high - low)]``.
    """
    for axis, (factor, offset, first, last) in enumerate(zip(scale, shift, low, high), start=1):
        at = (torch.arange(first, last, dtype=torch.float64) + 0.5) * factor + offset - 0.5
        at = at.clamp(0, x.shape[axis] - 1).to(x.device)
        before = at.floor().long()
        weight = (at - before).to(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - axis))
        after = (before + 1).clamp(max=x.shape[axis] - 1)
        x = torch.lerp(x.index_select(axis, before), x.index_select(axis, after), weight)
    return x


def full(x: Tensor) -> Tensor:
    """At least single precision: boxes are not decoded and losses not added up in half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
