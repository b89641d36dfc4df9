"""Images and coordinates move together: each function against its slow twin, for D = 1, 2, 3."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.data.transforms import geometry

SHAPES = {1: (11,), 2: (7, 11), 3: (5, 7, 9)}
NDIMS = pytest.mark.parametrize("ndim", [1, 2, 3])


def noise(ndim, dtype=torch.float64):
    values = torch.rand(2, *SHAPES[ndim], generator=torch.Generator().manual_seed(ndim), dtype=torch.float64)
    return (values * 255).to(dtype)


def centres(shape):
    """The centre of every sample ``[*S, D]``, x first."""
    grid = torch.meshgrid(*(torch.arange(side) + 0.5 for side in shape), indexing="ij")
    return torch.stack(grid[::-1], -1).double()


def value_at(image, point):
    """The sample ``[C]`` that covers ``point`` (x first)."""
    return image[(slice(None), *(int(np.floor(at)) for at in reversed(point.tolist())))]


def assert_moves_together(source, target, axis_map):
    """Every sample of ``target`` is the sample of ``source`` from which the map comes."""
    back = axis_map.inverse().points(centres(target.shape[1:]))
    for index in np.ndindex(*target.shape[1:]):
        assert torch.equal(target[(slice(None), *index)], value_at(source, back[index]))


@NDIMS
def test_crop(ndim):
    image, offset = noise(ndim), tuple(range(1, ndim + 1))
    extent = tuple(side - 4 for side in SHAPES[ndim])
    crop = geometry.crop_image(image, offset, extent)
    assert tuple(crop.shape[1:]) == extent
    assert_moves_together(image, crop, geometry.crop_map(offset))


@NDIMS
@pytest.mark.parametrize("axes", [(), (0,), (-1,)])
def test_flip(ndim, axes):
    image, axes = noise(ndim), tuple(axis % ndim for axis in axes)
    assert_moves_together(image, geometry.flip_image(image, axes), geometry.flip_map(image.shape[1:], axes))


@NDIMS
def test_resize_to_whole_multiples(ndim):
    """Nearest at the centres of a threefold copy is linear interpolation there."""
    image = noise(ndim)
    shape = tuple(3 * side for side in image.shape[1:])
    larger, axis_map = geometry.resize_image(image, shape), geometry.resize_map(image.shape[1:], shape)
    assert axis_map.scale == (3.0,) * ndim
    inner = larger[(slice(None), *(slice(1, None, 3),) * ndim)]
    torch.testing.assert_close(inner, image)


@NDIMS
def test_resize_against_a_slow_twin(ndim):
    image = noise(ndim)
    shape = tuple(side + 3 * (-1) ** k for k, side in enumerate(image.shape[1:]))
    resized = geometry.resize_image(image, shape)
    back = geometry.resize_map(image.shape[1:], shape).inverse().points(centres(shape))
    for index in np.ndindex(*shape):
        torch.testing.assert_close(resized[(slice(None), *index)], slow_linear(image, back[index]))


def slow_linear(image, point):
    """Linear interpolation between sample centres at ``point`` (x first), the border repeated."""
    values = image
    for at in reversed(point.tolist()):  # each step takes off the first spatial axis
        position = min(max(at - 0.5, 0.0), values.shape[1] - 1.0)
        low = int(position)
        high = min(low + 1, values.shape[1] - 1)
        values = values[:, low] * (1 - (position - low)) + values[:, high] * (position - low)
    return values


@NDIMS
@pytest.mark.parametrize("antialias", [True, False])
def test_uint8_stays_uint8(ndim, antialias):
    image = noise(ndim, torch.uint8)
    shape = tuple(side - 2 for side in image.shape[1:])
    resized = geometry.resize_image(image, shape, antialias)
    assert resized.dtype == torch.uint8
    exact = geometry.resize_image(image.double(), shape, antialias)
    assert (resized.double() - exact).abs().max() <= 1


@NDIMS
def test_pad(ndim):
    image = noise(ndim)
    shape = tuple(side + k for k, side in enumerate(image.shape[1:]))
    padded = geometry.pad_image(image, shape)
    assert tuple(padded.shape[1:]) == shape
    assert torch.equal(geometry.crop_image(padded, (0,) * ndim, image.shape[1:]), image)
    torch.testing.assert_close(padded.sum(), image.sum())
    assert geometry.pad_image(image, (1,) * ndim) is image


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=3), st.integers(1, 1000), st.integers(1, 1500))
def test_resize_shape_keeps_its_limits(shape, min_size, max_size):
    for round_down in (True, False):
        new = geometry.resize_shape(shape, min_size, max_size, round_down)
        assert min(new) >= 1
        assert max(new) <= max_size
        assert min(new) <= min_size
        at_limit = max(new) >= max_size - 1 or min(new) >= min_size - 1
        assert at_limit


@pytest.mark.parametrize(
    "shape, torchvision, detectron2",
    [
        ((480, 640), (800, 1066), (800, 1067)),
        ((427, 640), (800, 1199), (800, 1199)),
        ((512, 382), (1072, 800), (1072, 800)),
        ((640, 612), (836, 800), (837, 800)),
        ((100, 1000), (133, 1333), (133, 1333)),
    ],
)
def test_resize_shape_is_that_of_the_references(shape, torchvision, detectron2):
    assert geometry.resize_shape(shape, 800, 1333, round_down=True) == torchvision
    assert geometry.resize_shape(shape, 800, 1333) == detectron2
