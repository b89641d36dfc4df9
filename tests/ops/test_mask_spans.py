"""The spans of a mask are where the pasted mask reaches the threshold, and run lengths follow from either."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import naive
from cases import DTYPES, NDIMS, SHAPES, as_array, box_arrays, few, random_boxes, seeded
from maskrcnn.inference.predictor import paste_regions
from maskrcnn.ops.masks import mask_spans, paste_mask
from maskrcnn.regions import Regions, encode_runs

BINS = {1: (6,), 2: (4, 5), 3: (3, 4, 2)}
ROUNDING = 1e-5  # a sample whose value is this near to the threshold may fall to either side


def regions_of(masks, boxes, spatial_shape, threshold):
    spans, counts = mask_spans(masks, boxes, spatial_shape, threshold)
    return Regions.from_spans(spatial_shape, spans.numpy(), counts.numpy())


def assert_canonical(regions):
    """As if cut out of full-size masks: tight windows, the same run lengths."""
    again = Regions.from_masks([regions.mask(i) for i in range(len(regions))], regions.spatial_shape)
    np.testing.assert_array_equal(regions.offsets, again.offsets)
    np.testing.assert_array_equal(regions.shapes, again.shapes)
    for ours, theirs in zip(regions.runs, again.runs):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


@NDIMS
@DTYPES
@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.8])
def test_spans_are_what_the_twin_pastes_and_thresholds(ndim, dtype, threshold):
    boxes = torch.cat(
        [
            random_boxes(8, SHAPES[ndim], dtype=dtype, largest=1.2),
            random_boxes(3, SHAPES[ndim], seed=1, dtype=dtype, smallest=0.01, largest=0.1),
            torch.tensor([[-40.0] * ndim + [-30.0] * ndim, [0.0] * ndim + [64.0] * ndim], dtype=dtype),
        ]
    )
    masks = torch.rand(len(boxes), *BINS[ndim], generator=seeded(), dtype=torch.float64).to(dtype)
    regions = regions_of(masks, boxes, SHAPES[ndim], threshold)
    assert_canonical(regions)
    for i, (mask, box) in enumerate(zip(masks, boxes)):
        pasted = naive.paste_mask(as_array(mask), box.tolist(), SHAPES[ndim])
        sure = abs(pasted - threshold) > ROUNDING
        assert sure.mean() > 0.95
        np.testing.assert_array_equal(regions.mask(i)[sure], (pasted >= threshold)[sure])


@few
@given(box_arrays(3, smallest=1 / 64), st.integers(0, 1000))
def test_spans_are_pasted_and_thresholded(boxes, seed):
    """Masks of few levels, so that many bins *are* the threshold or equal their neighbours."""
    ndim = boxes.shape[1] // 2
    masks = torch.randint(0, 5, (len(boxes), *BINS[ndim]), generator=seeded(seed)).double() / 4
    regions = regions_of(masks, boxes, SHAPES[ndim], 0.5)
    assert_canonical(regions)
    for i, (mask, box) in enumerate(zip(masks, boxes)):
        offset, window = paste_mask(mask, box, SHAPES[ndim])
        inside = np.zeros(SHAPES[ndim])
        inside[tuple(slice(o, o + n) for o, n in zip(offset, window.shape))] = window
        sure = abs(inside - 0.5) > 1e-9
        np.testing.assert_array_equal(regions.mask(i)[sure], (inside >= 0.5)[sure])


def test_a_bin_that_is_the_threshold_belongs_to_the_object():
    masks = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.5]], dtype=torch.float64)
    regions = regions_of(masks, torch.tensor([[0.0, 5.0]], dtype=torch.float64), (8,), 0.5)
    assert regions.mask(0).tolist() == [False, True, False, True, True, False, False, False]


@NDIMS
def test_no_masks_and_empty_masks(ndim):
    assert len(paste_regions(torch.zeros(0, *BINS[ndim]), torch.zeros(0, 2 * ndim), SHAPES[ndim])) == 0
    empty = paste_regions(torch.zeros(2, *BINS[ndim]), random_boxes(2, SHAPES[ndim]), SHAPES[ndim])
    assert empty.areas().tolist() == [0, 0] and empty.shapes.tolist() == [[0] * ndim] * 2


@NDIMS
def test_many_masks_are_as_each_alone(ndim):
    masks, boxes = torch.rand(70, *BINS[ndim], generator=seeded()), random_boxes(70, SHAPES[ndim])
    together = paste_regions(masks, boxes, SHAPES[ndim])
    for i in range(70):
        alone = paste_regions(masks[i : i + 1], boxes[i : i + 1], SHAPES[ndim])
        np.testing.assert_array_equal(together.mask(i), alone.mask(0))


@few
@given(st.integers(1, 3).flatmap(lambda ndim: arrays(bool, st.tuples(st.just(2), *[st.integers(1, 5)] * ndim))))
def test_spans_make_the_regions_that_masks_make(masks):
    """One span for each sample: all that touch become one run."""
    where = [np.argwhere(mask) for mask in masks]
    spans = np.concatenate([np.concatenate([w, w[:, -1:] + 1], axis=1) for w in where])
    regions = Regions.from_spans(masks.shape[1:], spans, np.array([len(w) for w in where]))
    for i, mask in enumerate(masks):
        np.testing.assert_array_equal(regions.mask(i), mask)
        np.testing.assert_array_equal(regions.runs[i], encode_runs(regions.window(i)))
    assert_canonical(regions)
