"""AxisMap is an invertible map of coordinates; Regions give back exactly the masks they were made of."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskrcnn.regions import AxisMap, Regions, decode_runs, encode_runs

unhurried = settings(deadline=None)
FACTORS = st.floats(0.25, 4).flatmap(lambda size: st.sampled_from([size, -size]))


@st.composite
def axis_maps(draw, ndim):
    numbers = lambda of: tuple(draw(st.lists(of, min_size=ndim, max_size=ndim)))  # noqa: E731
    return AxisMap(numbers(FACTORS), numbers(st.floats(-50, 50)))


@st.composite
def maps_and_boxes(draw, count):
    ndim = draw(st.integers(1, 3))
    low = torch.tensor(draw(st.lists(st.floats(-50, 50), min_size=ndim, max_size=ndim)), dtype=torch.float64)
    extent = torch.tensor(draw(st.lists(st.floats(0, 50), min_size=ndim, max_size=ndim)), dtype=torch.float64)
    return [draw(axis_maps(ndim)) for _ in range(count)], torch.cat([low, low + extent])[None]


@unhurried
@given(maps_and_boxes(1))
def test_the_inverse_undoes_a_map(case):
    (axis_map,), boxes = case
    torch.testing.assert_close(axis_map.inverse().boxes(axis_map.boxes(boxes)), boxes)


@unhurried
@given(maps_and_boxes(2))
def test_then_is_one_map_after_the_other(case):
    (first, second), boxes = case
    torch.testing.assert_close(first.then(second).boxes(boxes), second.boxes(first.boxes(boxes)))


@unhurried
@given(maps_and_boxes(1))
def test_a_mapped_box_has_its_low_corner_first(case):
    (axis_map,), boxes = case
    low, high = axis_map.boxes(boxes).chunk(2, -1)
    assert (low <= high).all()


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_identity_moves_nothing(ndim):
    boxes = torch.rand(5, 2 * ndim).sort(-1).values
    assert torch.equal(AxisMap.identity(ndim).boxes(boxes), boxes)
    assert AxisMap.identity(ndim).boxes(boxes[:0]).shape == (0, 2 * ndim)


MASKS = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7).flatmap(lambda s: hnp.arrays(bool, s))


@unhurried
@given(MASKS)
def test_runs_give_the_mask_back(mask):
    assert np.array_equal(decode_runs(encode_runs(mask), mask.shape), mask)


@unhurried
@given(MASKS)
def test_regions_give_masks_areas_and_boxes_back(mask):
    regions = Regions.from_masks([mask, ~mask], mask.shape)
    assert np.array_equal(regions.mask(0), mask)
    assert np.array_equal(regions.mask(1), ~mask)
    assert regions.areas().tolist() == [mask.sum(), (~mask).sum()]
    assert np.array_equal(regions.boxes()[0], slow_box(mask))


@unhurried
@given(
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7).flatmap(
        lambda s: hnp.arrays(np.uint16, s, elements=st.sampled_from([0, 0, 1, 2, 7, 65535]))
    )
)
def test_a_label_map_becomes_one_region_for_each_value(label_map):
    regions = Regions.from_label_map(label_map)
    values = [value for value in np.unique(label_map) if value]
    assert len(regions) == len(values)
    for i, value in enumerate(values):
        assert np.array_equal(regions.mask(i), label_map == value)
        assert np.array_equal(regions.boxes()[i], slow_box(label_map == value))


@pytest.mark.parametrize("shape", [(5,), (4, 6), (2, 3, 4)])
def test_no_objects_and_empty_objects(shape):
    none = Regions.blank(shape)
    assert len(none) == 0
    assert none.boxes().shape == (0, 2 * len(shape))
    assert none.areas().shape == (0,)
    empty = Regions.from_masks([np.zeros(shape, bool)], shape)
    for regions in (empty, Regions.blank(shape, 1)):
        assert len(regions) == 1
        assert not regions.mask(0).any()
        assert regions.shapes.tolist() == [[0] * len(shape)]


def test_regions_are_indexed_like_tensors():
    masks = np.random.default_rng(0).random((4, 5, 6)) > 0.5
    regions = Regions.from_masks(masks, (5, 6))
    for index in (torch.tensor([True, False, True, False]), torch.tensor([0, 2]), slice(0, 3, 2), [0, 2]):
        chosen = regions[index]
        assert len(chosen) == 2
        assert np.array_equal(chosen.mask(1), masks[2])


def slow_box(mask):
    """The tight box of a mask, x first, found sample by sample; zeros for an empty one."""
    covered = np.argwhere(mask)
    if len(covered) == 0:
        return np.zeros(2 * mask.ndim, np.float32)
    return np.concatenate([covered.min(0)[::-1], covered.max(0)[::-1] + 1]).astype(np.float32)
