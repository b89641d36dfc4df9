"""The forms that torchvision's and detectron2's checkpoints need, and that our own models do without."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import naive
from cases import NDIMS, inner_boxes, seeded, small_config, small_model
from maskrcnn.config import (
    BackboneConfig,
    BoxHeadConfig,
    KeypointHeadConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    SelectionConfig,
    from_dict,
    to_dict,
)
from maskrcnn.models.backbones.mobilenet_v3 import MobileNetV3, Squeeze
from maskrcnn.models.build import build_model
from maskrcnn.models.fpn import FPN
from maskrcnn.models.heads.box import BoxHead, with_background
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.nd import ConvNorm
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.models.rpn import suppress
from maskrcnn.ops.keypoints import cubic_matrix, decode_highest, decode_keypoints
from maskrcnn.structures import ImageBatch


@NDIMS
def test_mobilenet_v3_has_two_outputs_of_one_stride(ndim):
    with torch.device("meta"):
        body = MobileNetV3(ndim, 2, BackboneConfig("mobilenet_v3_large"))
        outputs = body(torch.zeros(1, 2, *(70,) * ndim))
    assert body.strides == [(32,) * ndim] * 2 and body.channels == [160, 960]
    assert [tuple(o.shape) for o in outputs] == [(1, c, *(3,) * ndim) for c in (160, 960)]


def test_mobilenet_v3_has_as_many_weights_as_its_features_in_torchvision():
    """2,971,952 up to the pooling, norms included."""
    with torch.device("meta"):
        body = MobileNetV3(2, 3, BackboneConfig("mobilenet_v3_large", norm="batch"))
    assert sum(p.numel() for p in body.parameters()) == 2_971_952


@NDIMS
def test_squeezing_weighs_each_channel_by_the_means_of_all(ndim):
    squeeze, x = Squeeze(ndim, 16), torch.randn(2, 16, *(3,) * ndim, generator=seeded())
    mean = x.flatten(2).mean(2)
    down, up = (layer.weight.flatten(1) for layer in (squeeze.down, squeeze.up))
    hidden = (mean @ down.T + squeeze.down.bias).relu()
    factor = ((hidden @ up.T + squeeze.up.bias) / 6 + 0.5).clamp(0, 1)
    torch.testing.assert_close(squeeze(x), x * factor.reshape(2, 16, *(1,) * ndim))


@pytest.mark.parametrize("depth, weights", [("resnet50", 44_401_393), ("resnet101", 63_341_297)])
def test_resnet101_has_17_blocks_more(depth, weights):
    """torchvision's counts with 91 classes: 17 blocks of 1,114,112 weights lie between the two."""
    with torch.device("meta"):
        model = build_model(ModelConfig(num_classes=90, backbone=BackboneConfig(depth)))
    assert sum(p.numel() for p in model.parameters()) == weights - 4 * (1024 + 1) - (256 + 1)


@NDIMS
def test_boxes_of_every_size_come_from_the_first_of_levels_of_one_stride(ndim):
    strides = [(4,) * ndim, (4,) * ndim, (8,) * ndim]
    features = [torch.randn(1, 2, *(8,) * ndim, generator=seeded(k)) for k in range(3)]
    boxes = [torch.tensor([[0.0] * ndim + [1.0] * ndim, [0.0] * ndim + [32.0] * ndim])]
    config = PoolConfig(2, canonical_size=4.0)
    both, first = (PyramidPool(config, strides[k:]) for k in (0, 1))
    torch.testing.assert_close(both(features, boxes), first(features[:1] + features[2:], boxes))


@NDIMS
def test_a_pyramid_may_have_norms(ndim):
    fpn = FPN(ndim, [4, 8], 6, norm="frozen", norm_eps=0.5)
    norms = [layer for layer in fpn.modules() if isinstance(layer, ConvNorm)]
    assert len(norms) == 4 and all(layer.norm.eps == 0.5 and layer.conv.bias is None for layer in norms)
    for layer in norms:
        layer.norm.bias.fill_(3.0)
        nn.init.zeros_(layer.conv.weight)
    levels = fpn([torch.randn(1, 4, *(8,) * ndim), torch.randn(1, 8, *(4,) * ndim)])
    assert all((level == 3).all() for level in levels)  # no ReLU, no bias but the norm's


@NDIMS
def test_a_box_head_of_convolutions_and_one_linear_layer(ndim):
    config = BoxHeadConfig(PoolConfig(3), hidden=8, convs=2, norm="frozen", linears=1)
    head = BoxHead(ndim, 4, 5, config, [(4,) * ndim, (8,) * ndim])
    assert head.fc2 is None and len(head.convs) == 2
    features = [torch.randn(1, 4, *(8,) * ndim, generator=seeded())]
    boxes = [inner_boxes(3, (32,) * ndim)]
    x = head.pool(features, boxes)
    for layer in head.convs:
        x = layer(x).relu()
    hidden = head.fc1(x.flatten(1)).relu()
    logits, deltas = head(features, boxes)
    torch.testing.assert_close(logits, head.class_logits(hidden))
    torch.testing.assert_close(deltas.flatten(1), head.box_deltas(hidden))


def test_a_box_head_of_three_linear_layers_cannot_be_built():
    with pytest.raises(ValueError, match="one or two"):
        BoxHead(2, 4, 5, BoxHeadConfig(PoolConfig(3), linears=3), [(4, 4), (8, 8)])


@pytest.mark.parametrize("unused", [0, 1, 3])
def test_slots_without_a_class_count_as_background(unused):
    logits = torch.randn(6, 5 + unused, generator=seeded(), dtype=torch.float64)
    probability, whole = with_background(logits, unused).softmax(1), logits.softmax(1)
    torch.testing.assert_close(probability[:, 1:], whole[:, 1:5])
    torch.testing.assert_close(probability[:, 0], whole[:, 0] + whole[:, 5:].sum(1))


@NDIMS
def test_a_mask_head_may_have_norms(ndim):
    head = MaskHead(ndim, 4, 2, MaskHeadConfig(PoolConfig(3), 6, 2, norm="frozen"), [(4,) * ndim, (8,) * ndim])
    assert all(isinstance(layer, ConvNorm) for layer in head.convs)
    logits = head([torch.randn(1, 4, *(8,) * ndim)], [inner_boxes(3, (32,) * ndim)])
    assert logits.shape == (3, 2, *(6,) * ndim)


@NDIMS
def test_an_rpn_of_two_convolutions_and_the_other_forms_make_a_whole_model(ndim):
    config = small_config(ndim)
    pool = config.mask_head.pool
    changes = {
        "rpn_convs": 2,
        "backbone": dataclasses.replace(config.backbone, fpn_norm="frozen"),
        "box_head": dataclasses.replace(config.box_head, convs=1, norm="frozen", linears=1, unused=2),
        "keypoint_head": KeypointHeadConfig(pool, 4, 1, 3, upsampled_logits=True, decoding="highest"),
    }
    known = {**changes, "backbone": dataclasses.replace(changes["backbone"], body="resnet18")}
    assert from_dict(to_dict(dataclasses.replace(config, **known))) == dataclasses.replace(config, **known)
    model = small_model(ndim, **changes).eval()
    assert len(model.rpn.further) == 1 and model.heads["keypoint"].upsample is None
    with torch.no_grad():
        (found,) = model(ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim]))
    assert len(found) and found.keypoints.shape == (len(found), 3, ndim + 1)


def test_anchors_that_are_unlikely_are_no_proposals():
    boxes = torch.tensor([[0.0, 0, 4, 4], [10, 10, 14, 14], [20, 20, 24, 24]])
    scores, groups = torch.tensor([0.0, -2.9, -3.0]), torch.zeros(3, dtype=torch.long)  # 0.5, 0.052, 0.047
    for threshold, count in ((0.0, 3), (0.05, 2), (0.5, 1)):
        config = SelectionConfig(score_threshold=threshold)
        assert len(suppress(boxes, scores, groups, (32, 32), config)) == count


@pytest.mark.parametrize("size", [(40, 61), (8, 8), (8, 5), (13, 100)])
def test_enlarging_is_torchs_bicubic(size):
    maps = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=seeded())
    y, x = (cubic_matrix(8, s) for s in size)
    expected = F.interpolate(maps, size=size, mode="bicubic", align_corners=False)
    torch.testing.assert_close(y @ maps @ x.T, expected)


@NDIMS
def test_the_highest_point_of_the_enlarged_heatmap_is_that_of_the_slow_way(ndim):
    logits = torch.randn(2, 2, *(4,) * ndim, generator=seeded(), dtype=torch.float64)
    extents = torch.tensor([[5.5, 7.0, 3.2][:ndim], [9.0, 0.3, 4.0][:ndim]], dtype=torch.float64)  # x first
    boxes = torch.cat([torch.full_like(extents, 2.0), extents + 2.0], 1)
    points = decode_highest(logits, boxes)
    for n, p in ((n, p) for n in range(2) for p in range(2)):
        extent = extents[n].clamp(min=1)
        shape = extent.ceil().int().tolist()[::-1]
        peak = torch.tensor(naive.enlarged_peak(logits[n, p].numpy(), shape)[::-1])
        torch.testing.assert_close(points[n, p, :-1], 2.0 + (peak + 0.5) * extent / extent.ceil())
    torch.testing.assert_close(points[..., -1], decode_keypoints(logits, boxes)[..., -1])
    assert decode_highest(logits[:0], boxes[:0]).shape == (0, 2, ndim + 1)


@NDIMS
def test_a_head_whose_upsampling_gives_the_heatmaps(ndim):
    config = KeypointHeadConfig(PoolConfig(3), 4, 2, 5, upsampled_logits=True)
    head = KeypointHead(ndim, 4, config, [(4,) * ndim, (8,) * ndim])
    assert head.logits.weight.shape == (4, 5, *(4,) * ndim)
    for count in (3, 0):
        logits = head([torch.randn(1, 4, *(8,) * ndim)], [inner_boxes(count, (32,) * ndim)])
        assert logits.shape == (count, 5, *(12,) * ndim)
