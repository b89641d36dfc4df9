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
    assert mask_iou(one.moved(np.array(shift)), other) == pytest.approx(naive.moved_mask_iou(a, b, shift))
    assert mask_iou(other, one.moved(np.array(shift))) == pytest.approx(naive.moved_mask_iou(a, b, shift))


@unhurried
@given(two_masks())
def test_a_mask_shares_all_of_itself(case):
    (mask, _), shift = case
    spans = spans_of(Regions.from_masks([mask], mask.shape), 0)
    assert spans.area == shared_samples(spans, spans) == mask.sum()
    there_and_back = spans.moved(np.array(shift)).moved(-np.array(shift))
    assert shared_samples(there_and_back, spans) == mask.sum()


def fields(spans):
    return spans.rows, spans.ends, spans.low, spans.high


@st.composite
def some_masks(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
    masks = [draw(hnp.arrays(bool, shape)) for _ in range(draw(st.integers(1, 5)))]
    place = st.integers(0, len(masks) - 1)
    pairs = draw(st.lists(st.tuples(place, place), max_size=8))
    shift = draw(st.lists(st.integers(-4, 4), min_size=len(shape), max_size=len(shape)))
    return masks, pairs, shift


@unhurried
@given(some_masks())
def test_many_pairs_at_once(case):
    masks, pairs, shift = case
    regions = Regions.from_masks(masks, masks[0].shape)
    still = all_spans(regions)
    for own, alone, mask in zip(still, map(partial(spans_of, regions), range(len(masks))), masks):
        assert own.area == mask.sum() and all(np.array_equal(*pair) for pair in zip(fields(own), fields(alone)))
    moved = [spans.moved(np.array(shift)) for spans in still]
    shared = shared_of_pairs(moved, still, np.array(pairs, np.int64).reshape(-1, 2))
    assert shared.dtype == np.int64
    assert shared.tolist() == [naive.moved_shared_samples(masks[i], masks[j], shift) for i, j in pairs]
