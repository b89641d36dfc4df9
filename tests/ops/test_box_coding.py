"""Deltas against their twin; decoding undoes encoding."""

import math

import pytest
import torch
from hypothesis import given

import naive
from cases import DTYPES, NDIMS, SHAPES, box_arrays, few, inner_boxes, seeded
from maskrcnn.ops.box_coding import decode_boxes, default_weights, encode_boxes


def pairs(ndim, dtype=torch.float64, count=6):
    return (inner_boxes(count, SHAPES[ndim], seed, dtype) for seed in (1, 2))


@NDIMS
@DTYPES
def test_encode_is_that_of_the_twin(ndim, dtype):
    boxes, references = pairs(ndim, dtype)
    weights = default_weights(ndim)
    expected = [naive.encode(b, r, weights) for b, r in zip(boxes.tolist(), references.tolist())]
    torch.testing.assert_close(encode_boxes(boxes, references, weights), torch.tensor(expected, dtype=dtype))


@NDIMS
@DTYPES
def test_decode_is_that_of_the_twin(ndim, dtype):
    _, references = pairs(ndim, dtype)
    # wide enough that some scales exceed the limit
    deltas = torch.randn(6, 2 * ndim, generator=seeded(), dtype=torch.float64).to(dtype) * 40
    assert (deltas[:, ndim:] / 5 > math.log(1000 / 16)).any()
    weights = default_weights(ndim)
    expected = [naive.decode(d, r, weights) for d, r in zip(deltas.tolist(), references.tolist())]
    torch.testing.assert_close(decode_boxes(deltas, references, weights), torch.tensor(expected, dtype=dtype))


@NDIMS
def test_no_boxes(ndim):
    none, weights = torch.zeros(0, 2 * ndim), default_weights(ndim)
    assert encode_boxes(none, none, weights).shape == (0, 2 * ndim)
    assert decode_boxes(none, none, weights).shape == (0, 2 * ndim)


@NDIMS
def test_shifts_come_before_scales(ndim):
    reference = torch.tensor([0.0] * ndim + [4.0] * ndim)
    moved = reference.clone()
    moved[[0, ndim]] += 2.0
    deltas = encode_boxes(moved, reference, (1.0,) * 2 * ndim)
    assert deltas.tolist() == [0.5] + [0.0] * (2 * ndim - 1)


@NDIMS
def test_each_box_is_decoded_once_for_each_class(ndim):
    _, references = pairs(ndim)
    deltas = torch.randn(6, 3, 2 * ndim, generator=seeded(), dtype=torch.float64)
    weights = default_weights(ndim)
    together = decode_boxes(deltas, references[:, None], weights)
    one_by_one = [decode_boxes(deltas[:, k], references, weights) for k in range(3)]
    assert torch.equal(together, torch.stack(one_by_one, 1))


@NDIMS
def test_a_box_grows_at_most_by_the_limit(ndim):
    reference = torch.tensor([0.0] * ndim + [16.0] * ndim)
    box = decode_boxes(
        torch.full((2 * ndim,), 1e4) * torch.tensor([0.0, 1.0]).repeat_interleave(ndim), reference, [1] * 2 * ndim
    )
    low, high = box.chunk(2)
    torch.testing.assert_close(high - low, torch.full((ndim,), 1000.0))


@few
@given(box_arrays(6, smallest=0.5))
def test_decode_undoes_encode(boxes):
    weights = default_weights(boxes.shape[1] // 2)
    box, reference = boxes[:3], boxes[3:]
    # 64 / 0.5 exceeds the default limit of a scale, 62.5
    back = decode_boxes(encode_boxes(box, reference, weights), reference, weights, max_scale=math.log(128))
    torch.testing.assert_close(back, box)


@NDIMS
@pytest.mark.parametrize("coding", [encode_boxes, decode_boxes])
def test_gradients(ndim, coding):
    first, references = pairs(ndim, count=3)
    if coding is decode_boxes:
        first = torch.randn(3, 2 * ndim, generator=seeded(), dtype=torch.float64)
    inputs = (first.requires_grad_(), references.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: coding(a, b, default_weights(ndim)), inputs)
