"""Pooling from a pyramid as graphs can hold it: ONNX's own RoIAlign for images, else Gather and MatMul.

In a graph boxes come sorted by level, a tensor a level, since a graph cannot choose the level of a box without reading
all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.errors import UsageError
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.ops.roi_align import assign_levels, axis_rows, start_and_length

IMAGES = 2  # dimensions that ONNX's RoIAlign has


class LevelPool:
    """:class:`maskrcnn.models.pooling.PyramidPool` for one image whose boxes are sorted by level.

    Args:
        pool: of the head.

    Raises:
        UsageError: adaptive sampling other than in images.
    """

    def __init__(self, pool: PyramidPool) -> None:
        self.config, self.output_size, self.levels = pool.config, pool.output_size, pool.levels
        self.strides = pool.strides[: pool.levels]
        if len(self.output_size) != IMAGES and self.config.sampling_ratio == 0:
            raise UsageError("A model that samples boxes adaptively can be exported for images alone.")

    def __call__(self, levels: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """``[R, C, *output_size]``, level after level, from levels ``[1, C, *S]`` and boxes ``[R_l, 2D]``."""
        read = _roi_align if len(self.output_size) == IMAGES else self._gather
        parts = [
            read(level, own / own.new_tensor(tuple(reversed(stride)) * 2), self)
            for level, own, stride in zip(levels, boxes, self.strides)
        ]
        return torch.cat(parts)

    @staticmethod
    def _gather(level: Tensor, boxes: Tensor, pool: LevelPool) -> Tensor:
        return gather_align(level, boxes, pool.output_size, pool.config.sampling_ratio, pool.config.aligned)


def _roi_align(level: Tensor, boxes: Tensor, pool: LevelPool) -> Tensor:
    config, (height, width) = pool.config, pool.output_size
    image = torch.zeros(boxes.shape[0], dtype=torch.int64)
    return torch.onnx.ops.symbolic(
        "RoiAlign",
        (level, boxes, image),
        {
            "coordinate_transformation_mode": "half_pixel" if config.aligned else "output_half_pixel",
            "mode": "avg",
            "output_height": height,
            "output_width": width,
            "sampling_ratio": config.sampling_ratio,
            "spatial_scale": 1.0,
        },
        dtype=level.dtype,
        shape=(boxes.shape[0], level.shape[1], height, width),
        version=16,
    )


def gather_align(level: Tensor, boxes: Tensor, output_size: Sequence[int], count: int, aligned: bool) -> Tensor:
    """RoIAlign in any number of dimensions, of operations that graphs have.

    Args:
        level: ``[1, C, *S]``.
        boxes: ``[R, 2D]``, x first, in samples of the level.
        output_size: bins along each axis, tensor order.
        count: samples a bin along each axis.
        aligned: as in :func:`maskrcnn.ops.roi_align.roi_align`.

    Returns:
        ``[R, C, *output_size]``.
    """
    ndim, rows = len(output_size), boxes.shape[0]
    low, high = (corner.flip(-1) for corner in boxes.chunk(2, -1))
    low, length = start_and_length(low, high, aligned)
    bin_length = length / boxes.new_tensor(tuple(output_size))
    index = torch.zeros((rows, *(1,) * (2 * ndim)), dtype=torch.int64)
    weight = torch.ones((rows, *(1,) * (2 * ndim)))
    step = 1
    for axis in reversed(range(ndim)):
        extent = level.shape[2 + axis]
        size = torch.full((rows,), extent, dtype=torch.int64)
        at, part = axis_rows(size, low[:, axis], bin_length[:, axis], output_size[axis], count)
        layout = [rows] + [1] * (2 * ndim)
        layout[1 + axis], layout[1 + ndim + axis] = output_size[axis], 2 * count
        index = index + (at * step).reshape(layout)
        weight = weight * part.reshape(layout)
        step = step * extent
    bins, samples = math.prod(output_size), (2 * count) ** ndim
    table = level.flatten(2)[0].transpose(0, 1)  # [positions, C]
    read = table[index.reshape(-1)].reshape(rows * bins, samples, level.shape[1])
    pooled = weight.reshape(rows * bins, 1, samples) @ read
    return pooled.reshape(rows, *output_size, level.shape[1]).movedim(-1, 1)


def by_level(pool: PyramidPool, boxes: Tensor) -> tuple[list[Tensor], Tensor]:
    """Sort boxes for a graph.

    Args:
        pool: of the head that the graph holds.
        boxes: ``[R, 2D]``.

    Returns:
        The boxes of each level, and int64 ``[R]``: where each box went in their row.
    """
    c = pool.config
    own = assign_levels(boxes, pool.levels, pool.finest_level, c.canonical_size, epsilon_inside=c.epsilon_inside)
    order = own.argsort(stable=True)
    counts = torch.bincount(own, minlength=pool.levels).tolist()
    return list(boxes[order].split(counts)), order.argsort()
