from __future__ import annotations

import dataclasses

import pytest
import torch

import naive
from cases import NDIMS, SHAPES, random_boxes, seeded, small_config, small_model
from maskrcnn.config import KeypointHeadConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.keypoint import keypoint_loss
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.sampling import SampledProposals
from maskrcnn.ops.keypoints import encode_keypoints
from maskrcnn.structures import Instances, batch_images

BINS = {1: (8,), 2: (4, 6), 3: (3, 4, 5)}
IMAGES = {1: (64,), 2: (48, 48), 3: (16, 24, 24)}


@NDIMS
def test_the_loss_is_the_cross_entropy_of_each_labelled_point(ndim):
    boxes = random_boxes(5, SHAPES[ndim], dtype=torch.float64)
    low, high = boxes[:, None].chunk(2, -1)
    part = torch.rand(5, 3, ndim, generator=seeded(), dtype=torch.float64) * 1.3
    visibility = torch.randint(0, 3, (5, 3, 1), generator=seeded()).double()
    keypoints = torch.cat([low + part * (high - low), visibility], -1)
    logits = torch.randn(5, 3, *BINS[ndim], generator=seeded(), dtype=torch.float64).requires_grad_()
    term = keypoint_loss(logits, keypoints, boxes, weight=0.5)["loss_keypoint"]
    index, valid = encode_keypoints(keypoints, boxes, BINS[ndim])
    pairs = [(n, p) for n in range(5) for p in range(3) if valid[n, p]]
    expected = sum(naive.cross_entropy(logits[n, p].flatten().tolist(), int(index[n, p])) for n, p in pairs)
    assert 0 < term.count == len(pairs) < 15
    assert term.total.item() == pytest.approx(0.5 * expected)
    term.total.backward()
    assert (logits.grad.flatten(2).abs().amax(-1) > 0).equal(valid)


def keypoint_model(ndim, num_keypoints=3):
    pool = dataclasses.replace(small_config(ndim).mask_head.pool, output_size=4)
    return small_model(ndim, keypoint_head=KeypointHeadConfig(pool, 16, 1, num_keypoints))


def with_keypoints(samples):
    """Three points on the diagonal of each object's box."""
    for sample in samples:
        low, high = sample.target.boxes.chunk(2, -1)
        points = torch.stack([low + part * (high - low) for part in (0.2, 0.5, 0.8)], 1)
        sample.target.keypoints = torch.cat([points, torch.full((*points.shape[:2], 1), 2.0)], -1)
    return samples


@NDIMS
def test_only_objects_with_labelled_points_count(ndim):
    samples = with_keypoints(synthetic_samples(ndim, 2, IMAGES[ndim], 0, channels=1))
    images, targets = batch_images([sample.image for sample in samples], 8), [sample.target for sample in samples]
    objective = Objective(keypoint_model(ndim))
    both = objective(images, targets, [0, 1])["loss_keypoint"]
    targets[0].keypoints[..., -1] = 0
    one = objective(images, targets, [0, 1])["loss_keypoint"]
    assert 0 < one.count < both.count
    bins = torch.tensor(float(16**ndim))
    weight = objective.model.config.loss.keypoint_weight
    assert both.mean().item() == pytest.approx(weight * bins.log().item(), rel=0.02)  # every bin is as likely at first


@NDIMS
@pytest.mark.parametrize("keypoints", ["none", "other number", "not labelled", "no objects"])
def test_a_batch_without_keypoints_has_a_loss_of_zero_that_can_be_followed_back(ndim, keypoints):
    samples = with_keypoints(synthetic_samples(ndim, 2, IMAGES[ndim], 0, channels=1))
    targets = [sample.target for sample in samples]
    for k, target in enumerate(targets):
        if keypoints == "none":
            target.keypoints = None
        elif keypoints == "other number":
            target.keypoints = target.keypoints[:, :2]
        elif keypoints == "not labelled":
            target.keypoints[..., -1] = 0
        else:
            targets[k] = target[:0]
    model = keypoint_model(ndim)
    term = Objective(model)(batch_images([sample.image for sample in samples], 8), targets, [0, 1])["loss_keypoint"]
    assert (term.total.item(), term.count) == (0.0, 0)
    term.mean().backward()
    assert all(p.grad is not None and not p.grad.any() for p in model.heads["keypoint"].parameters())


@NDIMS
def test_there_is_no_keypoint_loss_without_a_keypoint_head(ndim):
    samples = with_keypoints(synthetic_samples(ndim, 1, IMAGES[ndim], 0, channels=1))
    losses = Objective(small_model(ndim))(batch_images([samples[0].image], 8), [samples[0].target], [0])
    assert "loss_keypoint" not in losses


@NDIMS
def test_each_proposal_is_asked_for_the_points_of_its_own_object(ndim):
    low = torch.tensor([[2.0] * ndim, [12.0] * ndim])
    points = torch.stack([low + part for part in (1.0, 2.0, 3.0)], 1)
    visibility = torch.tensor([0.0, 2.0])[:, None, None].expand(2, 3, 1)  # nobody labelled the points of the first
    target = Instances(torch.cat([low, low + 4], 1), torch.ones(2, dtype=torch.long))
    target.keypoints = torch.cat([points, visibility], -1)
    matched = torch.tensor([0, 1, 1])
    proposals = SampledProposals(target.boxes[matched], target.labels[matched], matched)
    objective = Objective(keypoint_model(ndim))
    features = objective.model.backbone(torch.randn(1, 1, *(32,) * ndim, generator=seeded()))
    assert objective.head_losses(features, [proposals], [target])["loss_keypoint"].count == 6
