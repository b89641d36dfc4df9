"""What masks share on run lengths is what they share sample by sample, wherever one of them is shifted to."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from maskrcnn.masks.shared_runs import all_spans, mask_iou, shared_of_pairs, shared_samples, spans_of
from maskrcnn.regions import Regions
from maskrcnn.tracking.association import mask_ious

unhurried = settings(deadline=None)


@st.composite
def two_masks(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6))
    masks = [draw(hnp.arrays(bool, shape)) for _ in range(2)]
    shift = draw(st.lists(st.integers(-7, 7), min_size=len(shape), max_size=len(shape)))
    return masks, shift


@unhurried
@given(two_masks())
def test_iou_of_a_shifted_mask(case):
    (a, b), shift = case
    one, other = (spans_of(Regions.from_masks([mask], mask.shape), 0) for mask in (a, b))
    iou = mask_ious([one], [other], np.ones((1, 1), bool), np.array([shift]))
    assert iou[0, 0] == pytest.approx(naive.moved_mask_iou(a, b, shift))
    assert mask_iou(one, other) == mask_iou(other, one) == pytest.approx(naive.moved_mask_iou(a, b, [0] * a.ndim))


@unhurried
@given(two_masks())
def test_a_mask_shares_all_of_itself(case):
    (mask, _), _ = case
    spans = spans_of(Regions.from_masks([mask], mask.shape), 0)
    assert spans.area == shared_samples(spans, spans) == mask.sum()


def fields(spans):
    return spans.rows, spans.ends, spans.low, spans.high


@st.composite
def some_masks(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
    masks = [draw(hnp.arrays(bool, shape)) for _ in range(draw(st.integers(1, 5)))]
    place = st.integers(0, len(masks) - 1)
    pairs = draw(st.lists(st.tuples(place, place), max_size=8))
    shifts = draw(hnp.arrays(np.int64, (len(masks), len(shape)), elements=st.integers(-4, 4)))
    return masks, pairs, shifts


@unhurried
@given(some_masks())
def test_many_pairs_at_once(case):
    masks, pairs, shifts = case
    regions = Regions.from_masks(masks, masks[0].shape)
    still = all_spans(regions)
    for own, alone, mask in zip(still, map(partial(spans_of, regions), range(len(masks))), masks):
        assert own.area == mask.sum() and all(np.array_equal(*pair) for pair in zip(fields(own), fields(alone)))
    shared = shared_of_pairs(still, still, np.array(pairs, np.int64).reshape(-1, 2), shifts)
    assert shared.dtype == np.int64
    assert shared.tolist() == [naive.moved_shared_samples(masks[i], masks[j], shifts[i]) for i, j in pairs]
