"""RoIAlign (Mask R-CNN, section 3) in any number of dimensions, without a compiled operator.

Every output bin is a weighted sum of rows of the ``[positions, C]`` feature table, and the weights are separable by
axis. ``embedding_bag`` is exactly that sum, so it *is* RoIAlign: fast on channels-last features, with autograd.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align(
    features: Sequence[Tensor],
    boxes: Tensor,
    image_index: Tensor,
    level_index: Tensor,
    strides: Sequence[Sequence[float]],
    output_size: Sequence[int],
    sampling_ratio: int = 2,
    aligned: bool = False,
) -> Tensor:
    """Pool a fixed grid of bins from each box, on the level and the image that belong to it.

    Args:
        features: one ``[B, C, *S]`` tensor a level.
        boxes: ``[R, 2D]``, x first, in samples of the image.
        image_index: int64 ``[R]``.
        level_index: int64 ``[R]``, index into ``features``.
        strides: image samples for each feature sample: a D-tuple (tensor order) a level.
        output_size: bins along each axis, tensor order.
        sampling_ratio: samples a bin along each axis; 0 takes as many as the bin is long (adaptive).
        aligned: sample k's value lies at k + 0.5 (detectron2's ``aligned=True``); else at k, with boxes at least one
            feature sample long, as in the paper's code and in torchvision's models.

    Returns:
        ``[R, C, *output_size]``.
    """
    shapes = torch.tensor([tuple(level.shape[2:]) for level in features], device=boxes.device)
    per_image = shapes.prod(1)
    level_start = torch.cat([per_image.new_zeros(1), (per_image * features[0].shape[0]).cumsum(0)[:-1]])
    # Views where possible, so that each level is copied once, from whatever memory format it has.
    table = torch.cat([level.flatten(2).transpose(1, 2).flatten(0, 1) for level in features])
    origin = level_start[level_index] + image_index * per_image[level_index]
    scale = 1.0 / torch.tensor([tuple(reversed(tuple(s))) * 2 for s in strides], dtype=boxes.dtype, device=boxes.device)
    bins = pool_bins(
        table, origin, shapes[level_index], boxes * scale[level_index], output_size, sampling_ratio, aligned
    )
    return bins.movedim(-1, 1)


def pool_bins(
    table: Tensor,
    origin: Tensor,
    grid_shape: Tensor,
    boxes: Tensor,
    output_size: Sequence[int],
    sampling_ratio: int = 0,
    aligned: bool = True,
) -> Tensor:
    """RoIAlign of boxes that each lie on a grid of their own, all grids being rows of one table.

    Args:
        table: ``[T, C]``.
        origin: int64 ``[R]``, the row of each box's grid position 0.
        grid_shape: int64 ``[R, D]``, tensor order.
        boxes: ``[R, 2D]``, x first, in samples of the grid. A box may be flipped (high corner below
            low): it has the bins of the mirrored box on the mirrored grid.
        output_size: bins along each axis, tensor order.
        sampling_ratio: samples a bin along each axis; 0: as many as the bin is long.
        aligned: sample k's value lies at k + 0.5, else at k; see :func:`roi_align`.

    Returns:
        ``[R, *output_size, C]``.
    """
    boxes = boxes.detach()
    low, high = (corner.flip(-1) for corner in boxes.chunk(2, -1))
    low, length = start_and_length(low, high, aligned)
    bin_length = length / boxes.new_tensor(tuple(output_size))
    if sampling_ratio > 0:
        counts = torch.full_like(grid_shape, sampling_ratio)
    else:
        counts = bin_length.abs().ceil().long()
    index, weight, sizes, order = [], [], [], []
    for count in counts.unique(dim=0) if len(boxes) else ():
        group = (counts == count).all(1).nonzero().squeeze(1)
        rows, weights = _bags(
            origin[group], grid_shape[group], low[group], bin_length[group], output_size, count.tolist()
        )
        index.append(rows.flatten())
        weight.append(weights.flatten())
        sizes.append(torch.full((rows.shape[0],), rows.shape[1], device=boxes.device))
        order.append(group)
    if not index or sum(len(rows) for rows in index) == 0:
        return table.new_zeros((len(boxes), *output_size, table.shape[1])) + 0 * table.sum()
    offsets = torch.cat(sizes).cumsum(0).roll(1)
    offsets[0] = 0
    small = torch.int32 if max(len(table), sum(len(rows) for rows in index)) < 2**31 else torch.int64
    pooled = F.embedding_bag(
        torch.cat(index).to(small),
        table,
        offsets.to(small),
        per_sample_weights=torch.cat(weight).to(table.dtype),
        mode="sum",
    )
    pooled = pooled.reshape(len(boxes), *output_size, -1)
    return pooled if len(order) == 1 else pooled[torch.cat(order).argsort()]


def start_and_length(low: Tensor, high: Tensor, aligned: bool) -> tuple[Tensor, Tensor]:
    """Where the bins of boxes begin along one axis, and how far they reach.

    Not aligned, a box is at least one sample long and taken half a sample too far along its own
    direction.

    Args:
        low: ``[R]``, in samples of the grid.
        high: ``[R]``; below ``low`` for a flipped box.
        aligned: as in :func:`pool_bins`.

    Returns:
        ``[R]`` grid positions (sample k's is k), and ``[R]`` lengths, negative for a flipped box.
    """
    length = high - low
    if aligned:
        return low - 0.5, length
    flipped = length < 0
    return low - flipped.to(low.dtype), torch.where(flipped, length.clamp(max=-1.0), length.clamp(min=1.0))


def _bags(
    origin: Tensor,
    grid_shape: Tensor,
    low: Tensor,
    bin_length: Tensor,
    output_size: Sequence[int],
    counts: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """Table rows and their weights, both ``[R * bins, rows a bin]``, of boxes with equal sample ``counts`` by axis."""
    ndim, boxes = len(output_size), len(origin)
    # Axes are laid out as [R, bins of axis 0, ..., bins of axis D-1, rows of axis 0, ..., rows of axis D-1].
    index = origin.reshape(boxes, *(1,) * (2 * ndim))
    weight = low.new_ones(index.shape)
    step = torch.ones_like(origin)
    for axis in reversed(range(ndim)):
        rows, weights = axis_rows(
            grid_shape[:, axis], low[:, axis], bin_length[:, axis], output_size[axis], counts[axis]
        )
        layout = [boxes] + [1] * (2 * ndim)
        layout[1 + axis], layout[1 + ndim + axis] = rows.shape[1], rows.shape[2]
        index = index + (rows * step[:, None, None]).reshape(layout)
        weight = weight * weights.reshape(layout)
        step = step * grid_shape[:, axis]
    bags = boxes * math.prod(output_size)
    rows_per_bag = math.prod(2 * count for count in counts)
    return index.reshape(bags, rows_per_bag), weight.reshape(bags, rows_per_bag)


def axis_rows(size: Tensor, low: Tensor, bin_length: Tensor, bins: int, count: int) -> tuple[Tensor, Tensor]:
    """Which grid samples each bin reads along one axis, and with what weight.

    A sample more than one grid step outside counts as 0; one nearer is pulled to the border.

    Args:
        size: int64 ``[R]``, of each box's grid along this axis.
        low: ``[R]``, where the bins begin, as a grid position.
        bin_length: ``[R]``, in samples of the grid.
        bins: along this axis.
        count: samples in a bin along this axis.

    Returns:
        Positions int64 and weights, both ``[R, bins, 2 * count]``.
    """
    steps = (torch.arange(bins * count, device=low.device, dtype=low.dtype) + 0.5) / count
    position = low[:, None] + steps * bin_length[:, None]
    size = size[:, None]
    inside = (position >= -1) & (position <= size)
    position = torch.minimum(position.clamp(min=0), (size - 1).to(position.dtype))
    lower = position.long()
    fraction = position - lower
    upper = torch.minimum(lower + 1, size - 1)
    rows = torch.stack([lower, upper], -1)
    weights = torch.stack([1 - fraction, fraction], -1) * (inside / count)[..., None]
    shape = (low.shape[0], bins, 2 * count)  # not len(), which an exporter would take for a constant
    return rows.reshape(shape), weights.reshape(shape).to(low.dtype)


def assign_levels(
    boxes: Tensor,
    num_levels: int,
    finest_level: int = 2,
    canonical_size: float = 224.0,
    canonical_level: int = 4,
    epsilon_inside: bool = False,
) -> Tensor:
    """Assign each box to a level of the pyramid (FPN, equation 1), by volume^(1/D) of the box.

    Args:
        boxes: ``[R, 2D]``.
        num_levels: of the pyramid.
        finest_level: its stride is 2^level.
        canonical_size: a box of this size belongs to ``canonical_level``, one of half of it a level
            below.
        canonical_level: its stride is 2^level.
        epsilon_inside: add detectron2's 1e-8 to the ratio of sizes instead of torchvision's 1e-6 to
            its logarithm.

    Returns:
        int64 ``[R]``, 0 for the finest.
    """
    ndim = boxes.shape[-1] // 2
    size = (boxes[:, ndim:] - boxes[:, :ndim]).prod(-1).clamp(min=0).pow(1 / ndim)
    ratio = size / canonical_size
    octave = torch.log2(ratio + 1e-8) if epsilon_inside else torch.log2(ratio) + 1e-6
    level = torch.floor(canonical_level + octave).clamp(finest_level, finest_level + num_levels - 1)
    return level.long() - finest_level
