"""The point field: heatmaps of the whole image against a naive walk, cut out over boxes, as part of a keypoint head."""

import dataclasses

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, seeded, small_config, small_model
from maskrcnn.config import KeypointHeadConfig, PointFieldConfig, PoolConfig, from_dict, to_dict
from maskrcnn.losses.objective import Objective
from maskrcnn.models.point_field import PointField
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import ImageBatch, Instances

POINTS = 3
CONFIG = PointFieldConfig(laterals=(4, 4, 3, 2), merged=(3, 2, 2), hidden=6)


def field_and_outputs(ndim):
    torch.manual_seed(0)
    field = PointField(ndim, [3, 4, 5, 6], (4,) * ndim, POINTS, CONFIG)
    torch.nn.init.normal_(field.logits.weight)
    outputs = [torch.randn(2, c, *(n,) * ndim, generator=seeded(c)) for c, n in ((3, 16), (4, 8), (5, 4), (6, 2))]
    return field, outputs


@NDIMS
def test_heatmaps_are_sums_from_the_coarsest_output_to_the_finest(ndim):
    field, outputs = field_and_outputs(ndim)
    first, second, third, fourth = (layer(x) for layer, x in zip(field.laterals, reversed(outputs)))
    x = first
    for lateral, layer in ((second, field.merged[0]), (third, field.merged[1]), (fourth, field.merged[2])):
        x = layer(lateral + interpolate(x, lateral.shape[2:])).clamp(min=0)
    expected = field.logits(field.hidden(x).clamp(min=0))
    assert expected.shape == (2, POINTS, *(16,) * ndim)
    torch.testing.assert_close(field.heatmaps(outputs), expected)


@NDIMS
def test_over_a_box_they_are_read_at_the_middle_of_every_bin(ndim):
    field, outputs = field_and_outputs(ndim)
    with torch.no_grad():
        field.gain.copy_(torch.tensor([1.0, 2.0, 0.5]))
    boxes = [inner_boxes(2, (64,) * ndim), inner_boxes(1, (64,) * ndim, seed=1)]
    bins = (4, 3, 2)[:ndim]
    heatmaps = field.heatmaps(outputs).detach().double().numpy() * field.gain.detach().numpy().reshape(-1, *(1,) * ndim)
    expected = [
        naive.roi_align(image, box, (4,) * ndim, bins, 1, True)
        for image, own in zip(heatmaps, boxes)
        for box in own.tolist()
    ]
    read = field(outputs, boxes, bins).detach().numpy()
    np.testing.assert_allclose(read, np.stack(expected), rtol=1e-4, atol=1e-4)


def test_no_boxes_give_no_heatmaps():
    field, outputs = field_and_outputs(2)
    assert field(outputs, [torch.zeros(0, 4)] * 2, (4, 4)).shape == (0, POINTS, 4, 4)


def test_outputs_and_laterals_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match="point field over 3 outputs"):
        PointField(2, [3, 4, 5], (4, 4), POINTS, CONFIG)
    with pytest.raises(ValueError, match="as wide as the next lateral"):
        PointField(2, [3, 4, 5, 6], (4, 4), POINTS, dataclasses.replace(CONFIG, merged=(2, 2, 2)))


def model_with_points(ndim, field):
    head = KeypointHeadConfig(PoolConfig(3), channels=4, convs=1, num_keypoints=POINTS, field=field)
    return small_model(ndim, keypoint_head=head)


@NDIMS
def test_a_keypoint_head_adds_the_field_to_its_own_heatmaps(ndim):
    """With the same weights, the heatmaps of a head with a field are those of the field more."""
    outputs = len(small_model(ndim).backbone.strides) - 1
    config = PointFieldConfig((4,) * outputs, (4,) * (outputs - 1), hidden=4)
    with_field, without = model_with_points(ndim, config).eval(), model_with_points(ndim, None).eval()
    torch.nn.init.normal_(with_field.heads["keypoint"].field.logits.weight)
    without.load_state_dict({k: v for k, v in with_field.state_dict().items() if ".field." not in k})
    image = torch.randn(1, 1, *(32,) * ndim, generator=seeded())
    boxes = [inner_boxes(3, (32,) * ndim)]
    with torch.no_grad():
        features = with_field.backbone(image)
        head = with_field.heads["keypoint"]
        own = without.heads["keypoint"](without.backbone(image), boxes)
        field = head.field(features[len(with_field.backbone.strides) :], boxes, head.output_size)
        torch.testing.assert_close(head(features, boxes), own + field)
    assert field.abs().max() > 0


@NDIMS
def test_the_whole_model_learns_with_a_field(ndim):
    outputs = len(small_model(ndim).backbone.strides) - 1
    model = model_with_points(ndim, PointFieldConfig((4,) * outputs, (4,) * (outputs - 1), hidden=4))
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    boxes = inner_boxes(2, (32,) * ndim)
    middle = (boxes[:, :ndim] + boxes[:, ndim:]) / 2
    points = torch.cat([middle, torch.full((2, 1), 2.0)], 1)[:, None].expand(-1, POINTS, -1)
    target = Instances(boxes, torch.tensor([1, 2]), keypoints=points)
    Objective(model)(images, [target], [0])["loss_keypoint"].total.backward()
    field = model.heads["keypoint"].field
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (field.logits.weight, field.gain))
    assert model.backbone.body is not None and from_dict(to_dict(model.config)) == model.config


def test_a_head_without_a_field_is_what_it_was():
    config = dataclasses.replace(small_config(2), keypoint_head=KeypointHeadConfig(PoolConfig(3), 4, 1, POINTS))
    assert config.keypoint_head is not None and config.keypoint_head.field is None
