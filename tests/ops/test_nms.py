"""Suppression is exactly the greedy algorithm, whatever the order in which it is worked out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import naive
from cases import DTYPES, NDIMS, SHAPES, box_arrays, few, random_boxes, seeded
from maskrcnn.ops import nms as module
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nms import grouped_nms, nms


def crowded(ndim, count, dtype=torch.float32):
    """Boxes that overlap a lot, so that suppression takes several rounds, and their scores."""
    boxes = random_boxes(count, SHAPES[ndim], dtype=dtype, smallest=0.4, largest=0.6)
    return boxes, torch.rand(count, generator=seeded(1), dtype=torch.float64).to(dtype)


@NDIMS
@DTYPES
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_nms_is_greedy(ndim, dtype, threshold):
    boxes, scores = crowded(ndim, 60, dtype)
    kept = nms(boxes, scores, threshold).tolist()
    assert kept == naive.nms(boxes.tolist(), scores.tolist(), threshold)
    assert len(kept) < 60


@NDIMS
@pytest.mark.parametrize("chunk", [1, 7, 59, 60])
def test_nms_is_greedy_over_several_chunks(ndim, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    boxes, scores = crowded(ndim, 60)
    assert nms(boxes, scores, 0.3).tolist() == naive.nms(boxes.tolist(), scores.tolist(), 0.3)


def test_more_boxes_than_a_chunk_are_suppressed_across_chunks():
    places = torch.arange(0.0, 40.0, 4.0)
    boxes = torch.stack([places, places + 2], 1).repeat(150, 1)
    assert len(boxes) > module.CHUNK
    assert nms(boxes, torch.linspace(1, 0, len(boxes)), 0.5).tolist() == list(range(10))


@NDIMS
def test_of_equal_scores_the_first_box_wins(ndim):
    boxes, scores = crowded(ndim, 40)
    scores = (scores * 4).round()
    assert nms(boxes, scores, 0.3).tolist() == naive.nms(boxes.tolist(), scores.tolist(), 0.3)
    assert nms(boxes[:1].repeat(3, 1), torch.ones(3), 0.3).tolist() == [0]


def test_a_suppressed_box_suppresses_nothing():
    """The second box falls to the first, so the third, which overlaps the second alone, stays."""
    boxes = torch.tensor([[0.0, 4.0], [2.0, 6.0], [4.0, 8.0]])
    assert nms(boxes, torch.tensor([3.0, 2.0, 1.0]), 0.3).tolist() == [0, 2]


def test_an_overlap_of_just_the_threshold_suppresses_nothing():
    boxes = torch.tensor([[0.0, 2.0], [0.0, 1.0]])
    assert nms(boxes, torch.tensor([1.0, 0.5]), 0.5).tolist() == [0, 1]
    assert nms(boxes, torch.tensor([1.0, 0.5]), 0.49).tolist() == [0]


@NDIMS
def test_no_boxes(ndim):
    none = torch.zeros(0, 2 * ndim)
    for kept in (nms(none, none[:, 0], 0.5), grouped_nms(none, none[:, 0], torch.zeros(0, dtype=torch.long), 0.5)):
        assert kept.shape == (0,)
        assert kept.dtype == torch.int64


@NDIMS
@DTYPES
def test_boxes_of_different_groups_never_suppress_each_other(ndim, dtype):
    boxes, scores = crowded(ndim, 60, dtype)
    scores = (scores * 20).round() / 20
    groups = torch.randint(0, 4, (60,), generator=seeded(2)) * 3
    kept = grouped_nms(boxes, scores, groups, 0.3).tolist()
    assert kept == naive.grouped_nms(boxes.tolist(), scores.tolist(), groups.tolist(), 0.3)
    assert len(kept) > len(nms(boxes, scores, 0.3))


@few
@given(box_arrays(12), st.lists(st.floats(0, 1, width=32), min_size=12, max_size=12), st.floats(0.1, 0.9))
def test_what_is_kept_does_not_overlap(boxes, scores, threshold):
    kept = boxes[nms(boxes, torch.tensor(scores), threshold)]
    overlaps = pairwise_iou(kept, kept).fill_diagonal_(0)
    assert (overlaps <= threshold).all()


@few
@given(box_arrays(12), st.lists(st.floats(0, 1, width=32), min_size=12, max_size=12), st.floats(0.1, 0.9))
def test_what_is_dropped_overlaps_a_kept_box_that_is_no_worse(boxes, scores, threshold):
    kept = nms(boxes, torch.tensor(scores), threshold).tolist()
    for dropped in set(range(12)) - set(kept):
        better = [k for k in kept if scores[k] >= scores[dropped]]
        assert (pairwise_iou(boxes[better], boxes[dropped : dropped + 1]) > threshold).any()
