"""3-wide convolutions with fewer multiplications (Winograd 1980; Lavin and Gray 2016), in any number of dimensions.

m neighbouring outputs of a 3-wide filter are the middle coefficients of a product of polynomials, and a product is
cheap where both factors are known by their values at m + 2 points: m + 2 multiplications instead of 3m along each axis.
Input tiles and kernels go to those values by small matrices, the product of every point is one matrix product over the
channels, and one more small matrix leads back. In 2-D, tiles of 4 need a quarter of the multiplications of the plain
sum, tiles of 2 four ninths. Only forward: what a gradient needs is not kept.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# The points at which polynomials are known, besides infinity, by outputs of a tile; 1 is among them, see `_back`.
POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 1.0, -1.0, 2.0, -2.0)}
CHUNK = 256  # tiles that are worked on at a time: a few MB, which stay in the cache
# Measured in multiplications of the large products: one in the small products, and one value of the kernel at a point,
# which is written to fresh memory; and the part of the plain sum's cost under which tiles are used.
SMALL, VALUE, GAIN = 2.0, 100.0, 0.8


def best_tile(weight: Tensor, batch: int, spatial_shape: Sequence[int]) -> int:
    """Choose the tile with which :func:`conv_by_tiles` takes least time.

    Args:
        weight: ``[O, C, 3, ...]``.
        batch: of the input.
        spatial_shape: of the input, tensor order.

    Returns:
        Outputs of a tile along each axis; 0: the plain sum is faster.
    """
    out_channels, channels = weight.shape[:2]
    ndim, positions = len(spatial_shape), batch * math.prod(spatial_shape)
    best, least = 0, GAIN * positions * 3**ndim * channels * out_channels
    for m in POINTS:
        tiles, points = batch * math.prod(-(-size // m) for size in spatial_shape), (m + 2) ** ndim
        large = tiles * points * channels * out_channels
        small = tiles * points * (points * channels + m**ndim * out_channels)
        cost = large + SMALL * small + VALUE * points * channels * out_channels
        if cost < least:
            best, least = m, cost
    return best


def conv_by_tiles(x: Tensor, weight: Tensor, bias: Tensor | None, m: int) -> Tensor:
    """Compute a 3-wide convolution, padded by one zero, by Winograd's tiles.

    Args:
        x: ``[B, C, *S]``.
        weight: ``[O, C, 3, ...]``.
        bias: ``[O]``, or None.
        m: outputs of a tile along each axis, one of ``POINTS``. Rounding: with 2 less than that of
            the plain sum, with 4 about three times it.

    Returns:
        ``[B, O, *S]``, channels last in memory.
    """
    ndim, out_channels = x.ndim - 2, weight.shape[0]
    into, of_kernel, back = (_every_axis(matrix, ndim).to(x) for matrix in _transforms(m))
    kernel = weight.movedim((0, 1), (-2, -1)).reshape(3**ndim, -1)
    kernel = (of_kernel @ kernel).view(-1, out_channels, weight.shape[1]).transpose(1, 2)
    rows = x.movedim(1, -1)
    result = x.new_empty((*rows.shape[:-1], out_channels))
    chunks = list(_chunks(x.shape[0], x.shape[2:], m))
    # Two blocks of memory, written in turns: fresh ones would have their pages cleared for each chunk.
    most = max(math.prod(grid) for _, _, grid in chunks) * len(into) * max(out_channels, x.shape[1])
    one, other = x.new_empty(most), x.new_empty(most)
    for images, start, grid in chunks:
        count, stop = math.prod(grid), start + grid[1]
        tiles = _tiles(rows[images], start, grid, m, one)
        values = torch.mm(into, tiles, out=_part(other, len(into), count * x.shape[1]))
        values = values.view(len(into), count, x.shape[1])
        products = torch.bmm(values, kernel, out=_part(one, len(into), count, out_channels))
        if bias is not None:
            products[_every_one(m, ndim)] += bias
        outputs = torch.mm(back, products.flatten(1), out=_part(other, len(back), count * out_channels))
        _place(outputs, grid, m, result[images, start * m : stop * m])
    return result.movedim(-1, 1)


def _part(memory: Tensor, *shape: int) -> Tensor:
    """A tensor of ``shape`` at the beginning of a block of memory."""
    return memory[: math.prod(shape)].view(shape)


def _chunks(batch: int, spatial_shape: Sequence[int], m: int) -> Iterator[tuple[slice, int, tuple[int, ...]]]:
    """Some images, a first row of tiles along the first axis, and how many tiles there are from there on, along images
    and along each axis: about ``CHUNK`` together."""
    first, *others = (-(-size // m) for size in spatial_shape)
    row = max(math.prod(others), 1)
    images, step = max(CHUNK // (first * row), 1), min(max(CHUNK // row, 1), first)
    for i in range(0, batch, images):
        for start in range(0, first, step):
            yield slice(i, i + images), start, (min(images, batch - i), min(step, first - start), *others)


def _tiles(rows: Tensor, start: int, grid: tuple[int, ...], m: int, memory: Tensor) -> Tensor:
    """Overlapping tiles of ``rows`` ``[B, *S, C]``, laid out in ``memory`` as ``[(m + 2)^D, tiles * C]``."""
    first, last = start * m - 1, (start + grid[1]) * m + 1
    low, high = max(first, 0), min(last, rows.shape[1])
    pads = [(low - first, last - high), *((1, -size % m + 1) for size in rows.shape[2:-1])]
    padded = F.pad(rows[:, low:high], (0, 0, *(pad for axis in reversed(pads) for pad in axis))).contiguous()
    step, inner, ndim = padded.stride(0), padded.stride()[1:-1], len(pads)
    shape = (*(m + 2,) * ndim, *grid, rows.shape[-1])
    tiles = _part(memory, *shape)
    tiles.copy_(padded.as_strided(shape, (*inner, step, *(m * s for s in inner), 1)))
    return tiles.view((m + 2) ** ndim, -1)


def _place(outputs: Tensor, grid: Sequence[int], m: int, result: Tensor) -> None:
    """Lay the outputs ``[m^D, tiles * O]`` into ``result`` ``[B, *S, O]``, which cuts tiles off at the high ends."""
    ndim, channels = len(grid) - 1, result.shape[-1]
    order = [ndim] + [axis for k in range(ndim) for axis in (ndim + 1 + k, k)] + [2 * ndim + 1]
    outputs = outputs.view(*(m,) * ndim, *grid, channels).permute(order)
    whole = (grid[0], *(m * count for count in grid[1:]), channels)
    if tuple(result.shape) == whole:
        result.view(outputs.shape).copy_(outputs)
    else:
        result.copy_(outputs.reshape(whole)[tuple(slice(extent) for extent in result.shape)])


def _every_one(m: int, ndim: int) -> int:
    """The row of the point (1, ..., 1): a constant polynomial there is that constant in every output of the tile."""
    return sum(POINTS[m].index(1.0) * (m + 2) ** axis for axis in range(ndim))


def _every_axis(matrix: Tensor, ndim: int) -> Tensor:
    """One axis' matrix as that of all axes, laid out in a row."""
    return functools.reduce(torch.kron, [matrix] * ndim)


@functools.cache
def _transforms(m: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of one axis, in double precision: input ``[m + 2, m + 2]``, kernel ``[m + 2, 3]`` and output ``[m, m + 2]``.

    The kernel's polynomial is known by its values at the points, each over the product of the distances to the others
    (Lagrange); the input's part is the transpose of interpolation, so its rows hold the coefficients of the
    polynomials that vanish at all other points; outputs are powers of the points. Infinity stands for the highest
    coefficient.
    """
    points, n = POINTS[m], m + 2
    into, kernel, back = (torch.zeros(shape, dtype=torch.float64) for shape in ((n, n), (n, 3), (m, n)))
    for j, point in enumerate(points):
        others = [p for p in points if p != point]
        into[j, : n - 1] = _vanishing_at(others)
        kernel[j] = _powers(point, 3) / math.prod(point - p for p in others)
        back[:, j] = _powers(point, m)
    into[-1], kernel[-1, -1], back[-1, -1] = _vanishing_at(points), 1.0, 1.0
    return into, kernel, back


def _powers(point: float, count: int) -> Tensor:
    return torch.tensor([point**k for k in range(count)], dtype=torch.float64)


def _vanishing_at(points: Sequence[float]) -> Tensor:
    """Coefficients, lowest power first, of the product of (x - p)."""
    coefficients = torch.ones(1, dtype=torch.float64)
    for p in points:
        coefficients = F.pad(coefficients, (1, 0)) - p * F.pad(coefficients, (0, 1))
    return coefficients
