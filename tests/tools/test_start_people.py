"""MoveNet's arrays under our names, and a model of people made of one of several classes."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import convert_movenet
from maskrcnn.config import BoxHeadConfig, ClassFieldConfig, CloseUpConfig, PoolConfig
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.backbones.mobilenet_v2 import MobileNetV2
from maskrcnn.models.build import build_model
from maskrcnn.models.heads.closeup import CloseUp
from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.structures import batch_images
from start_people import people


def closeup():
    config = CloseUpConfig()
    return CloseUp(2, MobileNetV2(2, 3, config.body), 17, config)


def tensorflow_arrays():
    """What the package's file holds, small numbers at random, by TensorFlow's names and in its order of axes."""
    rng = np.random.default_rng(0)
    network, arrays = closeup(), {}

    def put(name, weight, bias, bias_name, weight_name):
        order = (2, 3, 0, 1) if weight.shape[1] == 1 else (2, 3, 1, 0)
        shape = [weight.shape[axis] for axis in order]
        arrays[name + weight_name] = rng.normal(0, 0.05, shape).astype(np.float32)
        if bias is not None:
            arrays[name + bias_name] = rng.normal(0, 0.05, bias).astype(np.float32)

    extractor, body = convert_movenet.EXTRACTOR, network.body
    layers = {"Conv1/Conv2D": body.stem, "Conv_1/Conv2D": body.last}
    for k, block in enumerate(body.blocks):
        name = f"block_{k}" if k else "expanded_conv"
        parts = {"depthwise/depthwise": block.depthwise, "project/Conv2D": block.project}
        layers |= {f"{name}_{part}": layer for part, layer in parts.items()}
        if k:
            layers[f"{name}_expand/Conv2D"] = block.expand
    for name, layer in layers.items():
        put(f"{extractor}model/{name}", layer.conv.weight, len(layer.conv.weight), "_bn_offset", "_weights")
    for k, lateral in enumerate(network.laterals):
        name = extractor + (f"conv2d_{k}" if k else "conv2d")
        put(name, lateral.weight, len(lateral.bias), "/BiasAdd/ReadVariableOp", "/Conv2D/ReadVariableOp")
    for k, merged in enumerate(network.merged):
        name = extractor + (f"separable_conv2d_{k}" if k else "separable_conv2d") + "/separable_conv2d"
        put(name, merged[0].weight, None, "", "/ReadVariableOp")
        put(name, merged[1].weight, len(merged[1].bias), "_bn_offset", "_weights")
    for ours, (theirs, hidden, output) in convert_movenet.HEADS.items():
        name = f"{convert_movenet.ROOT}{theirs}/separable_conv2d_{hidden}"
        filters, pointwise = network.hidden[ours]
        put(name, filters.weight, None, "", "/separable_conv2d/ReadVariableOp")
        put(name + "/separable_conv2d", pointwise.weight, None, "", "/ReadVariableOp_1")
        arrays[name + "/BiasAdd/ReadVariableOp"] = rng.normal(0, 0.05, len(pointwise.bias)).astype(np.float32)
        name = f"{convert_movenet.ROOT}{theirs}/conv2d_{output}"
        layer = network.outputs[ours]
        put(name, layer.weight, len(layer.bias), "/BiasAdd/ReadVariableOp", "/Conv2D/ReadVariableOp")
    return arrays | {convert_movenet.ROOT + "center_0/conv2d_4/BiasAdd/ReadVariableOp": np.zeros(8, np.float32)}


def test_every_array_has_its_place_and_a_stranger_is_refused():
    arrays = tensorflow_arrays()
    ours = convert_movenet.convert(arrays)
    assert {name: torch.Size(array.shape) for name, array in ours.items()} == {
        name: tensor.shape for name, tensor in closeup().state_dict().items()
    }
    kernel = arrays[convert_movenet.EXTRACTOR + "model/block_3_expand/Conv2D_weights"]
    assert ours["body.blocks.3.expand.conv.weight"][5, 7, 0, 0] == kernel[0, 0, 7, 5]
    filters = arrays[convert_movenet.EXTRACTOR + "model/block_3_depthwise/depthwise_weights"]
    assert ours["body.blocks.3.depthwise.conv.weight"][5, 0, 1, 2] == filters[1, 2, 5, 0]
    with pytest.raises(ValueError, match="left over.*stranger"):
        convert_movenet.convert(arrays | {"stranger": np.zeros(9, np.float32)})


def test_the_persons_of_several_classes_stay_what_they_were(tmp_path):
    """With all units of the box head kept, persons have the boxes, scores and masks that the source gave them."""
    save_file(convert_movenet.convert(tensorflow_arrays()), tmp_path / "movenet.safetensors")
    field = ClassFieldConfig(cells=(((30.0, 30.0),),) * 5, first=(10.0,) * 5, proposals=20)
    config = dataclasses.replace(
        mobilenet_v2_fpn_config(3),
        box_head=BoxHeadConfig(PoolConfig(7, aligned=True, canonical_size=128.0), 16, class_agnostic=True, field=field),
    )
    config = dataclasses.replace(config, mask_head=dataclasses.replace(config.mask_head, class_agnostic=True))
    torch.manual_seed(0)
    source = build_model(config).eval()
    with torch.no_grad():
        for layer in source.heads["box"].field.logits:
            torch.nn.init.normal_(layer.weight, std=0.3)
    info = ModelInfo(config, ("cat", "person", "dog"), (17, 1, 18))
    target, made = people(source, info, tmp_path / "movenet.safetensors", hidden=16)
    assert (made.class_names, made.category_ids, made.config.num_classes) == (("person",), (1,), 1)
    photo = batch_images([torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))])
    boxes = [torch.tensor([[4.0, 4, 40, 50], [10, 20, 60, 60]])]
    with torch.no_grad():
        old, new = ([m.backbone(photo.tensor), m.heads] for m in (source, target))
        logits, deltas = (heads["box"](features, boxes) for features, heads in (old, new))
        torch.testing.assert_close(logits[1], deltas[1])  # the boxes
        torch.testing.assert_close(logits[0][:, [0, 2]], deltas[0], atol=1e-4, rtol=1e-4)  # background and person
        torch.testing.assert_close(old[1]["mask"](old[0], boxes), new[1]["mask"](new[0], boxes))
        assert new[1]["keypoint"](new[0], boxes).shape[:2] == (2, 17)
