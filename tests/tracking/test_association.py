"""Grown boxes and assignments against their twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from maskrcnn.masks.shared_runs import spans_of
from maskrcnn.regions import Regions
from maskrcnn.tracking.association import best_pairs, buffered_iou, mask_ious

unhurried = settings(deadline=None)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_grown_boxes(ndim):
    rng = np.random.default_rng(ndim)
    low = rng.uniform(0, 20, (7, ndim))
    boxes = np.concatenate([low, low + rng.uniform(1, 10, (7, ndim))], 1)
    buffers = np.array([0.0, 0.2, 0.5, 1.0])
    overlap = buffered_iou(boxes[:4], boxes[4:], buffers)
    for i in range(4):
        for j in range(3):
            assert overlap[i, j] == pytest.approx(naive.buffered_iou(boxes[i], boxes[4 + j], buffers[i]))


@unhurried
@given(hnp.arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 5)), elements=st.floats(0, 1)))
def test_no_other_pairs_are_worth_more(worth):
    pairs = best_pairs(worth, 0.3)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    chosen = [worth[i, j] for i, j in pairs]
    assert all(value >= 0.3 for value in chosen)
    assert sum(chosen) == pytest.approx(naive.best_assignment(np.where(worth >= 0.3, worth, 0.0)))


def test_masks_are_compared_where_both_have_one_and_their_boxes_are_near():
    masks = np.zeros((2, 4, 4), bool)
    masks[0, :2], masks[1, 1:3] = True, True
    regions = Regions.from_masks(masks, (4, 4))
    a, b = spans_of(regions, 0), spans_of(regions, 1)
    ious = mask_ious([a, None], [a, b, None], np.array([[True, True, True], [True, True, True]]))
    np.testing.assert_allclose(ious, [[1, 1 / 3, np.nan], [np.nan, np.nan, np.nan]])
    assert mask_ious([a], [b], np.array([[False]])) == 0
