"""Maps of a surface read at points and at the samples of windows, as they are read one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_surface
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.surfaces.reading import decode_surface, places_in_boxes, read_at_points, split_maps

BINS = {1: (5,), 2: (4, 6), 3: (3, 4, 2)}


@NDIMS
def test_points_are_placed_among_the_bins_of_their_box(ndim):
    boxes = inner_boxes(8, (20,) * ndim)
    low, high = boxes.chunk(2, 1)
    places = low + (torch.rand(8, ndim, generator=seeded()) * 1.4 - 0.2) * (high - low)
    where, inside = places_in_boxes(places, boxes, BINS[ndim])
    for k in range(8):
        expected = naive_surface.place_in_box(places[k].tolist(), boxes[k].tolist(), BINS[ndim])
        assert bool(inside[k]) == (expected is not None)
        if expected is not None:
            np.testing.assert_allclose(where[k].flip(0), expected, atol=1e-4)
    assert inside.any() and not inside.all()


@NDIMS
def test_maps_are_read_linearly_at_points_and_go_on_beyond_the_outermost_bins(ndim):
    maps = torch.randn(3, 4, *BINS[ndim], generator=seeded())
    rows, channels = torch.tensor([0, 2, 2, 1, 0]), torch.tensor([3, 0, 1, 1, 2])
    places = torch.rand(5, ndim, generator=seeded(1)) * torch.tensor(BINS[ndim][::-1])
    places[0], places[1] = 0, torch.tensor(BINS[ndim][::-1], dtype=torch.float)
    everything, own = read_at_points(maps, rows, places), read_at_points(maps, rows, places, channels)
    for k, (row, channel) in enumerate(zip(rows, channels)):
        at = places[k].flip(0).tolist()
        expected = [naive.read_linear(layer, at) for layer in maps[row].numpy()]
        np.testing.assert_allclose(everything[k], expected, atol=1e-5)
        assert own[k] == pytest.approx(expected[channel], abs=1e-5)


@NDIMS
def test_a_window_is_decoded_as_its_samples_are_one_by_one(ndim):
    maps = torch.randn(3 + 3 * 5, *BINS[ndim], generator=seeded())
    region = inner_boxes(1, (12,) * ndim, seed=4)[0]
    low = region[:ndim].floor().long().flip(0).tolist()
    high = region[ndim:].ceil().long().flip(0).tolist()
    parts, uv = decode_surface(maps, 3, region, low, high)
    expected_parts, expected_uv = naive_surface.decode(maps.numpy(), 3, region.tolist(), low, high)
    assert np.array_equal(parts, expected_parts)
    assert len(np.unique(expected_parts)) > 1
    np.testing.assert_allclose(uv, expected_uv, atol=1e-5)


@given(st.integers(2, 5), st.integers(1, 6))
def test_maps_are_split_into_body_parts_u_and_v(coarse, parts):
    maps = torch.arange(coarse + 3 * (parts + 1.0))[None, :, None]
    split = split_maps(maps, coarse)
    assert [own.shape[1] for own in split] == [coarse, *[parts + 1] * 3]
    assert torch.equal(torch.cat(split, 1), maps)


def test_reading_gives_gradients_to_the_bins_around_a_point_alone():
    maps = torch.zeros(1, 1, 4, 4, requires_grad=True)
    read_at_points(maps, torch.tensor([0]), torch.tensor([[1.0, 2.0]])).sum().backward()
    assert maps.grad.nonzero()[:, 2:].tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]
