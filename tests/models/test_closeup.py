"""The close-up: heatmaps of cut out objects against a naive walk, and as the keypoint head of a whole model."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from cases import NDIMS, TinyBody, as_array, inner_boxes, seeded, small_config, small_model
from maskrcnn.config import BackboneConfig, CloseUpConfig, KeypointHeadConfig, from_dict, to_dict
from maskrcnn.losses.objective import Objective
from maskrcnn.models.heads.closeup import AT_ONCE, REACH, CloseUp
from maskrcnn.ops.cut_out import cube_around, cut_out
from maskrcnn.ops.keypoints import decode_keypoints
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import ImageBatch, Instances
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.optimizer import freeze, make_optimizer

POINTS = 3


def closeup_config(ndim):
    body = BackboneConfig("tiny", ((2,) * ndim, (1,) * ndim, *((2,) * ndim,) * 3), norm="group")
    return CloseUpConfig(body, size=16, margin=1.25, laterals=(4, 4, 3, 2), merged=(3, 2, 2), hidden=6)


def closeup(ndim):
    config = closeup_config(ndim)
    torch.manual_seed(0)
    network = CloseUp(ndim, TinyBody(ndim, 2, config.body), POINTS, config)
    for layer in network.outputs.values():
        torch.nn.init.normal_(layer.weight, std=0.5)
    return network


def naive_logits(heatmaps, expected):
    """``[P, *M]`` from what the last layers say, ``[P, *M]`` and ``[P * D, *M]``, place by place."""
    bins, ndim = heatmaps.shape[1:], heatmaps.ndim - 1
    middle = tuple(size // 2 for size in bins)
    logits = np.zeros_like(heatmaps)
    for point in range(len(heatmaps)):
        wanted = [middle[axis] + expected[(point * ndim + axis, *middle)] for axis in range(ndim)]
        for place in np.ndindex(*bins):
            score = 1 / (1 + math.exp(-heatmaps[(point, *place)]))
            logits[(point, *place)] = math.log(score / (math.dist(place, wanted) + REACH))
    return logits


@NDIMS
def test_heatmaps_count_less_far_from_where_the_middle_expects_a_point(ndim):
    network = closeup(ndim)
    x = torch.randn(2, 2, *(16,) * ndim, generator=seeded(1))
    first, second, third, fourth = (layer(y) for layer, y in zip(network.laterals, reversed(network.body(x))))
    y = first
    for lateral, layer in ((second, network.merged[0]), (third, network.merged[1]), (fourth, network.merged[2])):
        y = layer(lateral + interpolate(y, lateral.shape[2:])).clamp(min=0)
    heatmaps, expected = (as_array(network.outputs[k](network.hidden[k](y).clamp(min=0))) for k in network.outputs)
    logits = np.stack([naive_logits(a, b) for a, b in zip(heatmaps, expected)])
    assert logits.shape == (2, POINTS, *(8,) * ndim)
    np.testing.assert_allclose(as_array(network(x)), logits, rtol=1e-3, atol=1e-3)


def test_outputs_and_laterals_that_do_not_agree_are_refused():
    config = closeup_config(2)
    body = TinyBody(2, 3, config.body)
    with pytest.raises(ValueError, match="close-up over 4 outputs"):
        CloseUp(2, body, POINTS, dataclasses.replace(config, laterals=(4, 4, 3), merged=(3, 2)))
    with pytest.raises(ValueError, match="as wide as the next lateral"):
        CloseUp(2, body, POINTS, dataclasses.replace(config, merged=(2, 2, 2)))


def model_with_closeup(ndim, **loss):
    head = KeypointHeadConfig(num_keypoints=POINTS, closeup=closeup_config(ndim))
    return small_model(ndim, keypoint_head=head, loss=dataclasses.replace(small_config(ndim).loss, **loss))


@NDIMS
def test_the_head_sees_a_cube_of_the_image_round_each_box(ndim):
    model = model_with_closeup(ndim).eval()
    images = torch.randn(2, 1, *(32,) * ndim, generator=seeded())
    boxes = [inner_boxes(3, (32,) * ndim), inner_boxes(1, (32,) * ndim, seed=1)]
    head = model.heads["keypoint"]
    found = [Instances(own, torch.ones(len(own), dtype=torch.long)) for own in boxes]
    with torch.no_grad():
        logits = head(model.backbone(images), boxes)
        cubes = [cube_around(own, 1.25) for own in boxes]
        expected = head.closeup(cut_out(images, cubes, (16,) * ndim))
        torch.testing.assert_close(logits, expected)
        head.attach(logits, found)
    points = decode_keypoints(logits, torch.cat(cubes))
    torch.testing.assert_close(torch.cat([own.keypoints for own in found]), points)
    assert logits.shape[2:] == head.output_size


def test_many_objects_are_seen_in_turn():
    model = model_with_closeup(2).eval()
    boxes = [inner_boxes(AT_ONCE + 3, (32, 32))]
    features, head = model.backbone(torch.randn(1, 1, 32, 32, generator=seeded())), model.heads["keypoint"]
    together = head(features, boxes)
    with torch.no_grad():
        torch.testing.assert_close(head(features, boxes), together)


def test_no_boxes_give_no_points():
    model = model_with_closeup(2).eval()
    found = [Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))]
    images = ImageBatch(torch.zeros(1, 1, 32, 32), [(32, 32)])
    model.describe(model.backbone(images.tensor), images, found)
    assert found[0].keypoints.shape == (0, POINTS, 3)


def points_in_the_middle(boxes):
    ndim = boxes.shape[1] // 2
    middle = (boxes[:, :ndim] + boxes[:, ndim:]) / 2
    return torch.cat([middle, torch.full((len(boxes), 1), 2.0)], 1)[:, None].expand(-1, POINTS, -1)


@NDIMS
def test_the_whole_model_learns(ndim):
    model = model_with_closeup(ndim)
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    boxes = inner_boxes(2, (32,) * ndim)
    target = Instances(boxes, torch.tensor([1, 2]), keypoints=points_in_the_middle(boxes))
    Objective(model)(images, [target], [0])["loss_keypoint"].total.backward()
    network = model.heads["keypoint"].closeup
    learning = [network.body.layers[0].conv.weight, *(layer.weight for layer in network.outputs.values())]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learning)
    values = to_dict(model.config)  # a checkpoint names bodies that everybody has
    values["backbone"]["body"] = values["keypoint_head"]["closeup"]["body"]["body"] = "mobilenet_v2"
    assert to_dict(from_dict(values)) == values


@pytest.mark.parametrize("samples", [None, 2])
def test_the_loss_looks_at_so_many_proposals(samples):
    model = model_with_closeup(2, keypoint_samples=samples)
    images = ImageBatch(torch.randn(1, 1, 32, 32, generator=seeded()), [(32, 32)])
    boxes = torch.tensor([[2.0, 2, 14, 14], [16, 16, 30, 30], [1, 16, 12, 30]])
    target = Instances(boxes, torch.tensor([1, 2, 1]), keypoints=points_in_the_middle(boxes))
    count = Objective(model)(images, [target], [0])["loss_keypoint"].count
    assert count == POINTS * 2 if samples else count > POINTS * 2


@pytest.mark.parametrize("body_lr, frozen", [(0.1, False), (0.0, True)])
def test_a_frozen_body_leaves_the_closeup_learning_slowly(body_lr, frozen):
    model = model_with_closeup(2)
    config = FitConfig(body_lr=body_lr, freeze_body=True)
    freeze(model, config)
    assert not any(p.requires_grad for p in model.backbone.body.parameters())
    parameters = list(model.heads["keypoint"].parameters())
    assert {p.requires_grad for p in parameters} == {not frozen}
    rates = {id(p): group["factor"] for group in make_optimizer(model, config).param_groups for p in group["params"]}
    assert {rates.get(id(p)) for p in parameters} == {None if frozen else body_lr}
    assert rates[id(model.heads["box"].fc1.weight)] == 1.0
