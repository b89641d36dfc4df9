from __future__ import annotations

import numpy as np
import pytest
import torch

import naive
from cases import DTYPES, NDIMS, SHAPES, as_array, random_boxes, seeded
from maskrcnn.ops.keypoints import decode_keypoints, encode_keypoints, keep_inside

BINS = {1: (11,), 2: (6, 9), 3: (4, 5, 7)}


def random_keypoints(boxes, per_object=5, seed=3):
    """In and around each box, some of them not labelled."""
    ndim = boxes.shape[1] // 2
    part = torch.rand(len(boxes), per_object, ndim, generator=seeded(seed), dtype=boxes.dtype) * 1.4 - 0.2
    low, high = boxes[:, None].chunk(2, -1)
    visibility = torch.randint(0, 3, (len(boxes), per_object, 1), generator=seeded(seed)).to(boxes.dtype)
    return torch.cat([low + part * (high - low), visibility], -1)


@NDIMS
@DTYPES
def test_a_keypoint_is_coded_as_its_twin_does(ndim, dtype):
    boxes = random_boxes(12, SHAPES[ndim], dtype=dtype)
    keypoints = random_keypoints(boxes)
    index, valid = encode_keypoints(keypoints, boxes, BINS[ndim])
    assert (index.dtype, valid.dtype) == (torch.int64, torch.bool)
    assert 0 < valid.sum() < valid.numel()
    for n, box in enumerate(boxes.tolist()):
        for p, (*point, visibility) in enumerate(keypoints[n].tolist()):
            expected = naive.keypoint_bin(point, visibility, box, BINS[ndim])
            assert bool(valid[n, p]) == (expected is not None)
            assert int(index[n, p]) == (0 if expected is None else np.ravel_multi_index(expected, BINS[ndim]))


@NDIMS
def test_the_border_of_a_box_belongs_to_its_outer_bins(ndim):
    boxes = torch.tensor([[2.0] * ndim + [10.0] * ndim])
    corners = torch.tensor([[[2.0] * ndim + [1.0], [10.0] * ndim + [1.0], [10.001] * ndim + [1.0]]])
    index, valid = encode_keypoints(corners, boxes, BINS[ndim])
    assert valid.tolist() == [[True, True, False]]
    assert index.tolist() == [[0, int(np.prod(BINS[ndim])) - 1, 0]]


@NDIMS
def test_a_box_without_extent_holds_no_keypoint(ndim):
    boxes = torch.full((1, 2 * ndim), 3.0)
    index, valid = encode_keypoints(torch.full((1, 2, ndim + 1), 3.0), boxes, BINS[ndim])
    assert not valid.any() and not index.any()


@NDIMS
@DTYPES
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_heatmap_is_decoded_as_its_twin_does(ndim, dtype, reach):
    boxes = random_boxes(6, SHAPES[ndim], dtype=dtype)
    logits = 3 * torch.randn(6, 4, *BINS[ndim], generator=seeded(), dtype=dtype)
    logits[0, 0, (0,) * ndim] = logits[0, 1, (-1,) * ndim] = 9.0  # peaks in corners, where the window is cut
    points = decode_keypoints(logits, boxes, reach)
    assert points.dtype == dtype
    for n, box in enumerate(boxes.tolist()):
        for p in range(4):
            expected, score = naive.heatmap_point(as_array(logits[n, p]), box, reach)
            np.testing.assert_allclose(as_array(points[n, p]), [*expected, score], rtol=1e-4, atol=1e-4)


@NDIMS
def test_what_was_coded_is_decoded_to_within_half_a_bin(ndim):
    boxes = random_boxes(30, SHAPES[ndim])
    keypoints = random_keypoints(boxes)
    index, valid = encode_keypoints(keypoints, boxes, BINS[ndim])
    logits = 50.0 * torch.nn.functional.one_hot(index, int(np.prod(BINS[ndim]))).unflatten(-1, BINS[ndim])
    points = decode_keypoints(logits, boxes)
    half_bin = ((boxes[:, ndim:] - boxes[:, :ndim]) / torch.tensor(BINS[ndim][::-1]) / 2)[:, None]
    distance = (points[..., :-1] - keypoints[..., :-1]).abs()
    assert (distance <= half_bin + 1e-4)[valid].all()
    assert points[..., -1].min() > 0.999 and points[..., -1].max() <= 1


@NDIMS
def test_a_smooth_heatmap_is_decoded_to_a_fraction_of_a_bin(ndim):
    bins = (16,) * ndim
    truth = torch.tensor([7.3, 8.6, 6.9])[:ndim]  # x first, in bins
    grid = torch.meshgrid(*(torch.arange(16) + 0.5 for _ in bins), indexing="ij")[::-1]
    logits = -sum((axis - at) ** 2 for axis, at in zip(grid, truth)) / (2 * 0.7**2)
    point = decode_keypoints(logits[None, None], torch.tensor([[0.0] * ndim + [16.0] * ndim]))[0, 0]
    assert (point[:-1] - truth).abs().max() < 0.05
    assert point[-1] > 0.95


@NDIMS
def test_no_objects_have_no_keypoints(ndim):
    empty = torch.zeros(0, 2 * ndim)
    assert decode_keypoints(torch.zeros(0, 4, *BINS[ndim]), empty).shape == (0, 4, ndim + 1)
    index, valid = encode_keypoints(torch.zeros(0, 4, ndim + 1), empty, BINS[ndim])
    assert index.shape == valid.shape == (0, 4)


@NDIMS
def test_points_outside_the_image_come_to_its_border_without_a_score(ndim):
    shape = (5, 7, 9)[:ndim]
    size = tuple(reversed(shape))
    outside = torch.tensor([[*(-1.0 for _ in size)], [*(float(s) + 2 for s in size)], [*size[:-1], -0.5]])
    inside = torch.tensor([[*(0.0 for _ in size)], [*(float(s) for s in size)], [*(s / 3 for s in size)]])
    points = torch.cat([torch.stack([outside, inside]), torch.full((2, 3, 1), 0.75)], -1)
    kept = keep_inside(points, shape)
    assert (kept[0, :, -1] == 0).all()
    border = torch.tensor([[0.0 for _ in size], [float(s) for s in size], [*(float(s) for s in size[:-1]), 0.0]])
    torch.testing.assert_close(kept[0, :, :-1], border)
    torch.testing.assert_close(kept[1], points[1])
