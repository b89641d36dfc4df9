"""The keypoint head: a heatmap a point, four bins for one that is pooled, and points where the boxes are."""

import pytest
import torch

from cases import NDIMS, inner_boxes, seeded, small_config, small_model
from maskrcnn.config import KeypointHeadConfig, ModelConfig, PoolConfig, from_dict, to_dict
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.ops.keypoints import decode_keypoints
from maskrcnn.structures import ImageBatch, Instances

POINTS = 5


def make_head(ndim):
    config = KeypointHeadConfig(PoolConfig(3), channels=4, convs=2, num_keypoints=POINTS)
    return KeypointHead(ndim, 4, config, [(4,) * ndim, (8,) * ndim])


@NDIMS
def test_heatmaps_are_four_times_as_fine_as_the_pooled_bins(ndim):
    head = make_head(ndim)
    features = [torch.randn(2, 4, *(8,) * ndim, generator=seeded())]
    assert head.output_size == (12,) * ndim
    for counts in ((3, 2), (0, 2), (0, 0)):
        logits = head(features, [inner_boxes(count, (32,) * ndim) for count in counts])
        assert logits.shape == (sum(counts), POINTS, *(12,) * ndim)


@NDIMS
def test_no_boxes_leave_every_weight_a_gradient_of_zero(ndim):
    head = make_head(ndim)
    features = torch.randn(1, 4, *(8,) * ndim, generator=seeded()).requires_grad_()
    head([features], [torch.zeros(0, 2 * ndim)]).sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in (*head.parameters(), features))


@NDIMS
def test_every_bin_begins_about_as_likely_as_the_others(ndim):
    features = [torch.randn(1, 4, *(8,) * ndim, generator=seeded())]
    logits = make_head(ndim)(features, [inner_boxes(4, (32,) * ndim)])
    assert logits.abs().max() < 0.05


@NDIMS
def test_each_detection_gets_the_points_of_its_own_heatmaps(ndim):
    boxes = [inner_boxes(2, (32,) * ndim), torch.zeros(0, 2 * ndim), inner_boxes(3, (32,) * ndim, seed=1)]
    detections = [Instances(b) for b in boxes]
    logits = torch.randn(5, POINTS, *(12,) * ndim, generator=seeded())
    make_head(ndim).attach(logits, detections)
    assert [found.keypoints.shape for found in detections] == [(n, POINTS, ndim + 1) for n in (2, 0, 3)]
    torch.testing.assert_close(detections[2].keypoints, decode_keypoints(logits[2:], boxes[2]))
    low, high = boxes[2][:, None].chunk(2, -1)
    points = detections[2].keypoints[..., :-1]
    assert ((points >= low) & (points <= high)).all()


@NDIMS
def test_a_model_with_the_head_finds_points_and_one_without_none(ndim):
    pool = small_config(ndim).mask_head.pool
    images = ImageBatch(torch.randn(2, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim] * 2)
    with torch.no_grad():
        for found in small_model(ndim, keypoint_head=KeypointHeadConfig(pool, 8, 1, POINTS)).eval()(images):
            assert len(found) and found.keypoints.shape == (len(found), POINTS, ndim + 1)
            assert found.mask_logits is not None
        assert all(found.keypoints is None for found in small_model(ndim).eval()(images))


@pytest.mark.parametrize("head", [None, KeypointHeadConfig(PoolConfig(7), 32, 2, 9)])
def test_its_config_is_kept_and_one_from_before_there_was_such_a_head_has_none(head):
    values = to_dict(ModelConfig(keypoint_head=head))
    assert from_dict(values) == ModelConfig(keypoint_head=head)
    del values["keypoint_head"], values["loss"]["keypoint_weight"]
    assert from_dict(values) == ModelConfig()
