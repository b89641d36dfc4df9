"""Which anchors and proposals a loss looks at, and which object each answers for."""

import dataclasses

import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, random_boxes, seeded
from maskrcnn.config import LossConfig
from maskrcnn.losses.sampling import sample_anchors, sample_proposals, split_crowd
from maskrcnn.structures import Instances

SIDE = 32.0
ALL = LossConfig(rpn_samples=10_000, box_samples=10_000, rpn_positive_fraction=0.5, box_positive_fraction=0.5)


def cube(ndim, low, high):
    return [low] * ndim + [high] * ndim


def make_target(ndim, *boxes, labels=None, crowd=None):
    return Instances(
        boxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 2 * ndim),
        labels=torch.tensor(labels or list(range(1, 1 + len(boxes))), dtype=torch.long),
        crowd=torch.tensor([False] * len(boxes) if crowd is None else crowd, dtype=torch.bool),
    )


def two_objects(ndim):
    return make_target(ndim, cube(ndim, 2, 14), cube(ndim, 16, 30))


def near(target, count, spread=0.15, seed=0):
    """Boxes at about those of the objects, some closer than others, then as many anywhere."""
    around = target.boxes.repeat(count, 1)
    length = (around.chunk(2, 1)[1] - around.chunk(2, 1)[0]).repeat(1, 2)
    ndim = target.boxes.shape[1] // 2
    noise = torch.randn(around.shape, generator=seeded(seed))
    return torch.cat([around + noise * length * spread, random_boxes(len(around), (int(SIDE),) * ndim, seed=seed)])


@NDIMS
def test_anchors_are_matched_as_the_twin_does(ndim):
    target = two_objects(ndim)
    anchors = near(target, 30)
    sampled = sample_anchors(anchors, target, ALL, seeded())
    overlaps = [[naive.iou(box, anchor) for anchor in anchors.tolist()] for box in target.boxes.tolist()]
    matched = naive.match(overlaps, len(anchors), 0.7, 0.3, keep_best=True)
    assert sampled.positive.tolist() == [p for p, g in enumerate(matched) if g >= 0]
    assert sampled.negative.tolist() == [p for p, g in enumerate(matched) if g == naive.BELOW]
    assert torch.equal(sampled.boxes, target.boxes[[g for g in matched if g >= 0]])
    assert len(sampled.positive) > 2


@NDIMS
def test_proposals_are_matched_as_the_twin_does(ndim):
    target = two_objects(ndim)
    proposals = near(target, 30)
    sampled = sample_proposals(proposals, target, ALL, seeded())
    boxes = torch.cat([proposals, target.boxes])
    overlaps = [[naive.iou(box, proposal) for proposal in boxes.tolist()] for box in target.boxes.tolist()]
    matched = naive.match(overlaps, len(boxes), 0.5, 0.5, keep_best=False)
    positive = [p for p, g in enumerate(matched) if g >= 0]
    negative = [p for p, g in enumerate(matched) if g < 0]
    assert torch.equal(sampled.boxes, boxes[positive + negative])
    assert sampled.matched.tolist() == [matched[p] for p in positive]
    assert sampled.labels.tolist() == [1 + matched[p] for p in positive] + [0] * len(negative)


@NDIMS
def test_counts_and_fractions(ndim):
    target = two_objects(ndim)
    boxes = near(target, 60, spread=0.03)
    config = LossConfig(rpn_samples=32, box_samples=16)
    anchors = sample_anchors(boxes, target, config, seeded())
    assert (len(anchors.positive), len(anchors.negative)) == (16, 16)
    proposals = sample_proposals(boxes, target, config, seeded())
    assert (len(proposals.matched), len(proposals.boxes)) == (4, 16)


@NDIMS
def test_negatives_fill_up_what_positives_leave(ndim):
    target = make_target(ndim, cube(ndim, 2, 14))
    far = random_boxes(100, (8,) * ndim) + 40
    config = LossConfig(rpn_samples=32, box_samples=16)
    anchors = sample_anchors(torch.cat([target.boxes, far]), target, config, seeded())
    assert (len(anchors.positive), len(anchors.negative)) == (1, 31)
    proposals = sample_proposals(far, target, config, seeded())
    assert (len(proposals.matched), len(proposals.boxes)) == (1, 16)


@pytest.mark.parametrize("sampler", [sample_anchors, sample_proposals])
def test_a_sample_follows_from_its_generator_alone(sampler):
    target = two_objects(2)
    boxes = near(target, 60)
    config = LossConfig(rpn_samples=32, box_samples=16)
    draws = [sampler(boxes, target, config, seeded(seed))[0].tolist() for seed in (3, 3, 4)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@NDIMS
def test_the_labelled_boxes_are_proposals_themselves(ndim):
    target = two_objects(ndim)
    sampled = sample_proposals(torch.zeros(0, 2 * ndim), target, ALL, seeded())
    assert torch.equal(sampled.boxes, target.boxes)
    assert sampled.matched.tolist() == [0, 1]


@NDIMS
def test_an_image_without_objects_has_background_alone(ndim):
    target = make_target(ndim)
    boxes = random_boxes(50, (32,) * ndim)
    anchors = sample_anchors(boxes, target, ALL, seeded())
    assert (len(anchors.positive), len(anchors.negative), anchors.boxes.shape) == (0, 50, (0, 2 * ndim))
    proposals = sample_proposals(boxes, target, ALL, seeded())
    assert torch.equal(proposals.boxes, boxes)
    assert not proposals.labels.any()


@NDIMS
def test_what_lies_in_a_crowd_region_is_never_negative(ndim):
    """Nor positive: nobody separated its objects."""
    target = make_target(ndim, cube(ndim, 0, 16), cube(ndim, 18, 30), crowd=[True, False])
    inside, outside = inner_boxes(20, (16,) * ndim), inner_boxes(20, (16,) * ndim) + 40
    boxes = torch.cat([inside, outside])
    anchors = sample_anchors(boxes, target, ALL, seeded())
    assert anchors.negative.tolist() == list(range(20, 40))
    assert len(anchors.positive) == 0
    proposals = sample_proposals(boxes, target, ALL, seeded())
    assert torch.equal(proposals.boxes, torch.cat([target.boxes[1:], outside]))


@NDIMS
def test_half_a_box_in_a_crowd_region_is_enough(ndim):
    crowd = cube(ndim, 0, 16)
    crowd[ndim] = 8.0  # along x only half as long
    target = make_target(ndim, crowd, crowd=[True])
    boxes = torch.tensor([cube(ndim, 0.0, 16.0), cube(ndim, 0.0, 16.0)])
    boxes[1, 0] += 0.1
    assert sample_anchors(boxes, target, ALL, seeded()).negative.tolist() == [1]
    stricter = dataclasses.replace(ALL, crowd_coverage=0.6)
    assert sample_anchors(boxes, target, stricter, seeded()).negative.tolist() == [0, 1]


@NDIMS
def test_matches_are_indices_into_all_objects_crowds_included(ndim):
    target = make_target(ndim, cube(ndim, 0, 4), cube(ndim, 18, 30), labels=[5, 7], crowd=[True, False])
    sampled = sample_proposals(target.boxes[1:], target, ALL, seeded())
    assert sampled.matched.tolist() == [1, 1]
    assert sampled.labels.tolist() == [7, 7]


@NDIMS
def test_an_object_without_an_extent_is_none(ndim):
    flat = cube(ndim, 4.0, 9.0)
    flat[ndim] = 4.0
    target = make_target(ndim, flat, cube(ndim, 18, 30))
    assert split_crowd(target)[0].tolist() == [1]
    boxes = torch.cat([target.boxes, inner_boxes(5, (8,) * ndim)])
    assert sample_anchors(boxes, target, ALL, seeded()).positive.tolist() == [1]
    assert sample_proposals(boxes, target, ALL, seeded()).matched.tolist() == [1, 1]


@NDIMS
def test_an_object_that_no_anchor_overlaps_makes_no_anchor_positive(ndim):
    target = make_target(ndim, cube(ndim, 100, 110))
    anchors = sample_anchors(random_boxes(30, (32,) * ndim), target, ALL, seeded())
    assert (len(anchors.positive), len(anchors.negative)) == (0, 30)
