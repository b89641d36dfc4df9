"""Anchors against their twins: values and order."""

import itertools
import math

import pytest
import torch

import naive
from cases import NDIMS
from maskrcnn.ops.anchors import aspect_shapes, cell_anchors, grid_anchors, volume_shapes

SIZES = (5.0, 12.0)
SHAPES = {1: ((1.0,),), 2: aspect_shapes((0.5, 1.0, 2.0)), 3: volume_shapes((1.7,), 3)}
GRIDS = {1: ((5,), (4,)), 2: ((3, 4), (2, 8)), 3: ((2, 3, 4), (1, 2, 4))}


@NDIMS
@pytest.mark.parametrize("rounded", [False, True])
def test_cell_anchors_are_those_of_the_twin(ndim, rounded):
    cells = cell_anchors(SIZES, SHAPES[ndim], rounded)
    torch.testing.assert_close(cells, torch.tensor(naive.cell_anchors(SIZES, SHAPES[ndim], rounded)).float())


@NDIMS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_grid_anchors_are_those_of_the_twin(ndim, dtype):
    grid_shape, stride = GRIDS[ndim]
    cells = cell_anchors(SIZES, SHAPES[ndim]).to(dtype)
    anchors = grid_anchors(cells, grid_shape, stride)
    assert anchors.dtype == dtype
    expected = naive.grid_anchors(cells.tolist(), grid_shape, stride)
    torch.testing.assert_close(anchors, torch.tensor(expected, dtype=dtype))


@NDIMS
def test_an_empty_grid_has_no_anchors(ndim):
    cells = cell_anchors(SIZES, SHAPES[ndim])
    assert grid_anchors(cells, (0,) * ndim, (2,) * ndim).shape == (0, 2 * ndim)


@NDIMS
def test_the_volume_of_a_cell_anchor_is_that_of_its_size(ndim):
    low, high = cell_anchors(SIZES, volume_shapes((0.4, 3.0), ndim)).chunk(2, 1)
    volume = (high - low).prod(1).reshape(-1, len(SIZES))
    torch.testing.assert_close(volume, torch.tensor([size**ndim for size in SIZES]).expand_as(volume))


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_an_aspect_ratio_is_height_over_width(ratio):
    ((width, height),) = aspect_shapes([ratio])
    assert height / width == pytest.approx(ratio)
    assert height * width == pytest.approx(1)


@NDIMS
def test_volume_shapes_are_the_cube_and_each_axis_stretched(ndim):
    shapes = volume_shapes((0.5, 3.0), ndim)
    assert shapes[0] == (1.0,) * ndim
    stretched = list(itertools.product((0.5, 3.0), range(ndim)))
    assert len(shapes) == 1 + (len(stretched) if ndim != 1 else 0)
    for shape, (factor, axis) in zip(shapes[1:], stretched):
        others = [length for k, length in enumerate(shape) if k != axis]
        assert all(shape[axis] / other == pytest.approx(factor) for other in others)
        assert math.prod(shape) == pytest.approx(1)
