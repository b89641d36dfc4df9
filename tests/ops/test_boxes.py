"""Measures of boxes against their twins, and what must hold for any boxes."""

import pytest
import torch
from hypothesis import given

import naive
from cases import DTYPES, NDIMS, SHAPES, box_arrays, few, inner_boxes, random_boxes
from maskrcnn.ops.boxes import (
    are_larger,
    clip_boxes,
    extents,
    generalized_iou,
    pairwise_coverage,
    pairwise_intersection,
    pairwise_iou,
    volumes,
)

PAIRWISE = pytest.mark.parametrize(
    "pairwise, twin",
    [(pairwise_intersection, naive.intersection), (pairwise_iou, naive.iou), (pairwise_coverage, naive.coverage)],
    ids=["intersection", "iou", "coverage"],
)


@NDIMS
@DTYPES
@PAIRWISE
def test_every_pair_is_measured_as_the_twin_does(ndim, dtype, pairwise, twin):
    a, b = (random_boxes(count, SHAPES[ndim], seed=count, dtype=dtype) for count in (7, 9))
    expected = [[twin(one, other) for other in b.tolist()] for one in a.tolist()]
    measured = pairwise(a, b)
    assert measured.dtype == dtype
    assert 0 < (measured > 0).sum() < measured.numel()
    torch.testing.assert_close(measured, torch.tensor(expected, dtype=dtype))


@NDIMS
@PAIRWISE
def test_no_boxes_make_no_pairs(ndim, pairwise, twin):
    boxes = random_boxes(3, SHAPES[ndim])
    assert pairwise(boxes[:0], boxes).shape == (0, 3)
    assert pairwise(boxes, boxes[:0]).shape == (3, 0)


@NDIMS
@DTYPES
def test_volumes_and_extents(ndim, dtype):
    boxes = random_boxes(5, SHAPES[ndim], dtype=dtype)
    torch.testing.assert_close(volumes(boxes), torch.tensor([naive.volume(b) for b in boxes.tolist()], dtype=dtype))
    expected = [[high - low for low, high in naive.sides(b)] for b in boxes.tolist()]
    torch.testing.assert_close(extents(boxes), torch.tensor(expected, dtype=dtype))


@NDIMS
@DTYPES
def test_clip_is_that_of_the_twin(ndim, dtype):
    boxes = random_boxes(20, SHAPES[ndim], dtype=dtype)
    clipped = clip_boxes(boxes, SHAPES[ndim])
    assert torch.equal(clipped, torch.tensor([naive.clip(b, SHAPES[ndim]) for b in boxes.tolist()], dtype=dtype))
    assert not torch.equal(clipped, boxes)


@NDIMS
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_box_fully_outside_is_clipped_to_nothing(ndim, direction):
    box = torch.cat([torch.full((ndim,), -3.0), torch.full((ndim,), -1.0)])[None] + 100.0 * (direction > 0)
    clipped = clip_boxes(box, SHAPES[ndim])
    assert volumes(clipped).item() == 0
    assert naive.sides(clipped[0].tolist()) == [(0.0 if direction < 0 else size,) * 2 for size in SHAPES[ndim][::-1]]


def test_clip_keeps_leading_dimensions():
    boxes = random_boxes(6, (5, 5)).reshape(2, 3, 4)
    assert torch.equal(clip_boxes(boxes, (5, 5)).flatten(0, 1), clip_boxes(boxes.flatten(0, 1), (5, 5)))


@NDIMS
@pytest.mark.parametrize("min_size", [0.0, 1.0])
def test_are_larger_is_that_of_the_twin(ndim, min_size):
    lengths = torch.tensor([0.0, 0.5, 1.0, 2.0])
    high = torch.cartesian_prod(*[lengths] * ndim).reshape(-1, ndim)
    boxes = torch.cat([torch.zeros_like(high), high], 1)
    assert are_larger(boxes, min_size).tolist() == [naive.is_larger(b, min_size) for b in boxes.tolist()]


@NDIMS
def test_empty_boxes_overlap_nothing_not_even_themselves(ndim):
    empty = torch.ones(1, 2 * ndim)
    full = torch.cat([torch.zeros(1, ndim), torch.full((1, ndim), 2.0)], 1)
    for other in (empty, full):
        assert pairwise_iou(empty, other).item() == 0
        assert pairwise_coverage(empty, other).item() == 0


@few
@given(box_arrays(6))
def test_iou_is_symmetric(boxes):
    assert torch.equal(pairwise_iou(boxes[:2], boxes[2:]), pairwise_iou(boxes[2:], boxes[:2]).T)


@few
@given(box_arrays(6))
def test_iou_lies_within_0_and_1(boxes):
    iou = pairwise_iou(boxes, boxes)
    assert (iou >= 0).all()
    assert (iou <= 1 + 1e-12).all()


@few
@given(box_arrays(4, smallest=0.5))
def test_a_box_overlaps_itself_fully(boxes):
    torch.testing.assert_close(pairwise_iou(boxes, boxes).diagonal(), torch.ones(4, dtype=torch.float64))


@NDIMS
def test_generalized_iou_is_the_naive_one(ndim):
    a, b = inner_boxes(40, (30,) * ndim, seed=1), inner_boxes(40, (30,) * ndim, seed=2)
    expected = [naive.generalized_iou(x, y) for x, y in zip(a.tolist(), b.tolist())]
    assert generalized_iou(a, b).tolist() == pytest.approx(expected, abs=1e-5)
    assert min(expected) < 0 and generalized_iou(a, a + 0.5).gt(0.1).all()
    torch.testing.assert_close(generalized_iou(a, a), torch.ones(40))


@NDIMS
def test_generalized_iou_draws_boxes_together_that_do_not_meet(ndim):
    a = torch.tensor([0.0] * ndim + [1.0] * ndim, dtype=torch.float64, requires_grad=True)
    b = torch.tensor([3.0] * ndim + [4.0] * ndim, dtype=torch.float64)
    generalized_iou(a, b).backward()
    assert (a.grad[ndim:] > 0).all()  # the high corner wants to go up
    assert torch.autograd.gradcheck(generalized_iou, (a, b + 0.1))


def test_generalized_iou_of_nothing_is_a_number():
    empty = torch.zeros(1, 4)
    assert generalized_iou(empty, empty).isfinite().all()
