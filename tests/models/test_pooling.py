"""Which level and which image a box is pooled from."""

import pytest
import torch

from cases import NDIMS
from maskrcnn.config import PoolConfig
from maskrcnn.models.pooling import PyramidPool


def numbered_pyramid(ndim, images, strides):
    """Every level of every image constant: 10 * image + level."""
    sizes = [tuple(96 // step for step in stride) for stride in strides]
    return [
        torch.stack([torch.full((1, *size), 10.0 * image + level) for image in range(images)])
        for level, size in enumerate(sizes)
    ]


def cubes(ndim, *lengths):
    return torch.tensor([[20.0] * ndim + [20.0 + length] * ndim for length in lengths])


@NDIMS
@pytest.mark.parametrize("finest", [1, 2, 4])
def test_a_box_of_canonical_size_is_pooled_at_stride_16(ndim, finest):
    """Whatever the finest stride: the level follows from the stride, not from its place in the list."""
    strides = [(finest * 2**k,) * ndim for k in range(6)]
    pool = PyramidPool(PoolConfig(2, aligned=True, canonical_size=32.0), strides)
    boxes = cubes(ndim, 4.1, 8.1, 16.1, 32.1)
    pooled = pool(numbered_pyramid(ndim, 1, strides), [boxes]).flatten(1)[:, 0]
    assert [strides[int(level)][0] for level in pooled.round()] == [max(step, finest) for step in (2, 4, 8, 16)]


def test_a_stride_that_differs_by_axis_counts_by_its_mean():
    """Strides (1, 4, 4), whose mean is 4^(2/3) = 2.5, come nearest to a stride of 2."""
    strides = [(2**k, 4 * 2**k, 4 * 2**k) for k in range(5)]
    pool = PyramidPool(PoolConfig(2, aligned=True, canonical_size=32.0), strides)
    pooled = pool(numbered_pyramid(3, 1, strides), [cubes(3, 4.1, 8.1, 16.1, 32.1)]).flatten(1)[:, 0]
    assert pooled.round().tolist() == [0.0, 1.0, 2.0, 3.0]


@NDIMS
def test_the_coarsest_level_is_the_rpns_own(ndim):
    strides = [(4 * 2**k,) * ndim for k in range(5)]
    pool = PyramidPool(PoolConfig(2, aligned=True, canonical_size=1.0), strides)
    assert pool(numbered_pyramid(ndim, 1, strides), [cubes(ndim, 60.0)]).round().unique().tolist() == [3.0]


@NDIMS
def test_boxes_are_pooled_image_by_image(ndim):
    strides = [(4 * 2**k,) * ndim for k in range(5)]
    pool = PyramidPool(PoolConfig(3, aligned=True, canonical_size=32.0), strides)
    boxes = [cubes(ndim, 8.1, 32.1), cubes(ndim)[:0].reshape(0, 2 * ndim), cubes(ndim, 64.1)]
    pooled = pool(numbered_pyramid(ndim, 3, strides), boxes)
    assert pooled.shape == (3, 1, *(3,) * ndim)
    assert [bins.round().unique().tolist() for bins in pooled] == [[0.0], [2.0], [23.0]]
