"""MoveNet's arrays under our names, and a model of people that gets its body."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import convert_movenet
from laterals import fit_laterals
from maskrcnn.checkpoints.ours import ModelInfo
from maskrcnn.config import BackboneConfig, KeypointHeadConfig, PointFieldConfig, PoolConfig
from maskrcnn.models.build import build_model, mobilenet_v2_fpn_config
from maskrcnn.models.mobilenet_v2 import MobileNetV2
from maskrcnn.models.point_field import PointField
from maskrcnn.structures import batch_images
from start_people import MULTIPLIER, OUTPUTS, converted

BODY = BackboneConfig("mobilenet_v2", same_padding=True, multiplier=MULTIPLIER, outputs=OUTPUTS)


def tensorflow_arrays():
    """What the package's file holds, small numbers at random, by TensorFlow's names and in its order of axes."""
    rng = np.random.default_rng(0)
    body = MobileNetV2(2, 3, BODY)
    field = PointField(2, body.channels, body.strides[0], 17, PointFieldConfig())
    arrays = {}

    def put(name, weight, bias, bias_name, weight_name):
        order = (2, 3, 0, 1) if weight.shape[1] == 1 else (2, 3, 1, 0)
        shape = [weight.shape[axis] for axis in order]
        arrays[name + weight_name] = rng.normal(0, 0.05, shape).astype(np.float32)
        if bias is not None:
            arrays[name + bias_name] = rng.normal(0, 0.05, bias).astype(np.float32)

    extractor = convert_movenet.EXTRACTOR
    layers = {"Conv1/Conv2D": body.stem, "Conv_1/Conv2D": body.last}
    for k, block in enumerate(body.blocks):
        name = f"block_{k}" if k else "expanded_conv"
        parts = {"depthwise/depthwise": block.depthwise, "project/Conv2D": block.project}
        layers |= {f"{name}_{part}": layer for part, layer in parts.items()}
        if k:
            layers[f"{name}_expand/Conv2D"] = block.expand
    for name, layer in layers.items():
        put(f"{extractor}model/{name}", layer.conv.weight, len(layer.conv.weight), "_bn_offset", "_weights")
    for k, lateral in enumerate(field.laterals):
        name = extractor + (f"conv2d_{k}" if k else "conv2d")
        put(name, lateral.weight, len(lateral.bias), "/BiasAdd/ReadVariableOp", "/Conv2D/ReadVariableOp")
    for k, merged in enumerate(field.merged):
        name = extractor + (f"separable_conv2d_{k}" if k else "separable_conv2d") + "/separable_conv2d"
        put(name, merged[0].weight, None, "", "/ReadVariableOp")
        put(name, merged[1].weight, len(merged[1].bias), "_bn_offset", "_weights")
    name = convert_movenet.ROOT + "kpt_heatmap_0/separable_conv2d_6"
    put(name, field.hidden[0].weight, None, "", "/separable_conv2d/ReadVariableOp")
    pointwise = field.hidden[1]
    put(name + "/separable_conv2d", pointwise.weight, None, "", "/ReadVariableOp_1")
    arrays[name + "/BiasAdd/ReadVariableOp"] = rng.normal(0, 0.05, len(pointwise.bias)).astype(np.float32)
    name = convert_movenet.ROOT + "kpt_heatmap_0/conv2d_7"
    put(name, field.logits.weight, len(field.logits.bias), "/BiasAdd/ReadVariableOp", "/Conv2D/ReadVariableOp")
    return arrays | {convert_movenet.ROOT + "center_0/conv2d_4/BiasAdd/ReadVariableOp": np.zeros(8, np.float32)}


def test_every_array_has_its_place_and_a_stranger_is_refused():
    arrays = tensorflow_arrays()
    ours = convert_movenet.convert(arrays)
    body = MobileNetV2(2, 3, BODY)
    field = PointField(2, body.channels, body.strides[0], 17, PointFieldConfig())
    expected = {f"body.{k}": v.shape for k, v in body.state_dict().items()}
    expected |= {f"field.{k}": v.shape for k, v in field.state_dict().items() if k != "gain"}
    assert {name: torch.Size(array.shape) for name, array in ours.items()} == expected
    kernel = arrays[convert_movenet.EXTRACTOR + "model/block_3_expand/Conv2D_weights"]
    assert ours["body.blocks.3.expand.conv.weight"][5, 7, 0, 0] == kernel[0, 0, 7, 5]
    filters = arrays[convert_movenet.EXTRACTOR + "model/block_3_depthwise/depthwise_weights"]
    assert ours["body.blocks.3.depthwise.conv.weight"][5, 0, 1, 2] == filters[1, 2, 5, 0]
    with pytest.raises(ValueError, match="left over.*stranger"):
        convert_movenet.convert(arrays | {"stranger": np.zeros(9, np.float32)})


def test_a_model_with_the_new_body_says_nearly_what_it_said(tmp_path):
    """The laterals are fitted on the photos themselves, so what they miss is what the new body cannot say."""
    save_file(convert_movenet.convert(tensorflow_arrays()), tmp_path / "movenet.safetensors")
    head = KeypointHeadConfig(PoolConfig(14), channels=8, convs=1)
    config = dataclasses.replace(mobilenet_v2_fpn_config(1), keypoint_head=head)
    source = build_model(config).eval()
    info = ModelInfo(config, ("person",), (1,), keypoint_names=tuple("abcdefghijklmnopq"))
    target, info = converted(source, info, tmp_path / "movenet.safetensors", hidden=16)
    assert info.config.backbone.outputs == OUTPUTS and info.config.box_head.hidden == 16
    photos = [torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    explained = fit_laterals(target, source, photos)
    assert all(0 <= part <= 1 for part in explained)
    with torch.no_grad():
        body, laterals = target.backbone.body(photos[0]), target.backbone.fpn.lateral
        old = [layer(x) for layer, x in zip(source.backbone.fpn.lateral, source.backbone.body(photos[0]))]
        for layer, x, y, part in zip(laterals, body, old, explained):
            assert ((layer(x) - y) ** 2).mean() < 1.5 * y.var() * (1 - part) + 1e-6
        assert len(target(batch_images([photos[0][0]]))) == 1
