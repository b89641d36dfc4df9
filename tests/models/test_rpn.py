"""The RPN: its anchors and its logits run in one order; its proposals are those of the naive selection."""

import dataclasses

import pytest
import torch
from torch import nn

import naive
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import AnchorConfig, SelectionConfig
from maskrcnn.models.rpn import RPN, propose
from maskrcnn.ops.anchors import volume_shapes

STRIDES = {1: [(2,), (4,)], 2: [(2, 4), (4, 8)], 3: [(1, 2, 2), (2, 4, 4)]}
GRIDS = {1: [(8,), (4,)], 2: [(6, 4), (3, 2)], 3: [(4, 3, 2), (2, 2, 1)]}
IMAGE = {1: (16,), 2: (12, 16), 3: (4, 6, 4)}


def make_rpn(ndim, sizes=((3.0, 5.0), (6.0, 9.0)), channels=None, **options):
    config = AnchorConfig(sizes, volume_shapes((2.0,), ndim), **options)
    return RPN(ndim, channels or len(config.shapes) * 2, config, STRIDES[ndim])


def feature_maps(rpn, ndim, images=1):
    return [torch.zeros(images, rpn.logits.out_channels, *grid) for grid in GRIDS[ndim]]


@NDIMS
@pytest.mark.parametrize("separable", [False, True])
def test_every_anchor_has_a_logit_and_2d_deltas(ndim, separable):
    config = AnchorConfig(((4.0,), (8.0,)), volume_shapes((0.5, 2.0), ndim))
    rpn = RPN(ndim, 6, config, STRIDES[ndim], separable)
    features = [torch.randn(3, 6, *grid, generator=seeded()) for grid in GRIDS[ndim]]
    logits, deltas = rpn(features)
    anchors = rpn.anchors(features, IMAGE[ndim])
    for level_logits, level_deltas, level_anchors in zip(logits, deltas, anchors):
        assert level_logits.shape == (3, len(level_anchors))
        assert level_deltas.shape == (3, *level_anchors.shape)


@NDIMS
@pytest.mark.parametrize("level", [0, 1])
def test_the_best_proposal_is_the_anchor_whose_logit_is_hot(ndim, level):
    """One hot feature at a position, in the channel that the logits' weights tie to one shape and size."""
    rpn = make_rpn(ndim)
    for layer in (rpn.conv, rpn.logits, rpn.deltas):
        nn.init.zeros_(layer.weight)
    centre = (1,) * ndim
    for channel in range(rpn.logits.out_channels):
        rpn.conv.weight.data[(channel, channel, *centre)] = 1
        rpn.logits.weight.data[(channel, channel, *(0,) * ndim)] = 1
    for position in (tuple(n // 2 for n in GRIDS[ndim][level]), (0,) * ndim):
        for channel in range(rpn.logits.out_channels):
            features = feature_maps(rpn, ndim)
            features[level][(0, channel, *position)] = 1
            logits, deltas = rpn(features)
            anchors = rpn.anchors(features, IMAGE[ndim])
            best = propose(logits, deltas, anchors, [IMAGE[ndim]], SelectionConfig(min_box_size=0.0))[0][0]

            shape = rpn.config.shapes[channel // 2]
            sides = [rpn.config.sizes[level][channel % 2] * factor for factor in shape]
            middle = [k * step for k, step in zip(position, STRIDES[ndim][level])][::-1]
            box = [m - side / 2 for m, side in zip(middle, sides)] + [m + side / 2 for m, side in zip(middle, sides)]
            torch.testing.assert_close(best, torch.tensor(naive.clip(box, IMAGE[ndim])))


def test_the_stride_of_anchors_may_be_that_of_the_padded_image():
    """P6 of an 800 px image is 13 positions wide: torchvision puts them 61 px apart, detectron2 64."""
    features = [torch.zeros(1, 1, 13, 13)]
    for padded_stride, step in ((True, 61), (False, 64)):
        config = AnchorConfig(((512.0,),), ((1.0, 1.0),), padded_stride=padded_stride)
        rpn = RPN(2, 1, config, [(64, 64)])
        low = rpn.anchors(features, (800, 800))[0][:, 0]
        assert (low[1] - low[0]).item() == step


def test_rounded_anchors_have_whole_half_lengths():
    rpn = make_rpn(2, rounded=True)
    anchors = rpn.anchors(feature_maps(rpn, 2), IMAGE[2])[0]
    assert torch.equal(anchors, anchors.round())


@pytest.mark.parametrize("sizes", [((4.0,),), ((4.0,), (8.0, 9.0))])
def test_sizes_that_do_not_fit_the_levels_are_an_error(sizes):
    with pytest.raises(ValueError, match="2 levels need as many tuples of anchor sizes"):
        make_rpn(2, sizes)


def random_outputs(ndim, images, seed=0):
    """Logits, deltas and anchors of two levels; no two logits are equal."""
    generator = seeded(seed)
    counts = (40, 15)
    logits = [torch.randperm(images * n, generator=generator).reshape(images, n) / n - 1 for n in counts]
    deltas = [torch.randn(images, n, 2 * ndim, generator=generator) * 0.3 for n in counts]
    anchors = [inner_boxes(n, (20,) * ndim, seed=n) - 2 for n in counts]
    return logits, deltas, anchors


@NDIMS
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pre_nms": 10},
        {"post_nms": 7},
        {"nms_threshold": 0.2},
        {"min_box_size": 5.0},
        {"min_box_size": 0.0},
        {"pre_nms": 20, "post_nms": 12, "nms_threshold": 0.4, "min_box_size": 3.0},
    ],
    ids=str,
)
def test_proposals_are_those_of_the_naive_selection(ndim, changes):
    config = dataclasses.replace(SelectionConfig(), **changes)
    logits, deltas, anchors = random_outputs(ndim, 2)
    shapes = [(16,) * ndim, tuple(range(12, 12 + ndim))]
    proposals = propose(logits, deltas, anchors, shapes, config)
    for image, (found, shape) in enumerate(zip(proposals, shapes)):
        expected = naive.propose(
            [level[image].tolist() for level in logits],
            [level[image].tolist() for level in deltas],
            [level.tolist() for level in anchors],
            shape,
            config.pre_nms,
            config.post_nms,
            config.nms_threshold,
            config.min_box_size,
        )
        assert len(found) == len(expected) > 0
        torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-5, atol=1e-5)


@NDIMS
def test_boxes_outside_the_image_are_no_proposals(ndim):
    logits, deltas, anchors = random_outputs(ndim, 1)
    outside = [level + 100 for level in anchors]
    assert propose(logits, deltas, outside, [(16,) * ndim], SelectionConfig())[0].shape == (0, 2 * ndim)


def test_no_gradient_flows_through_a_proposal():
    logits, deltas, anchors = random_outputs(2, 1)
    for tensor in (*logits, *deltas):
        tensor.requires_grad_()
    assert not propose(logits, deltas, anchors, [(16, 16)], SelectionConfig())[0].requires_grad
