"""The class field of a converted SSDLite says what the detector says, at the detector's own anchors."""

import dataclasses

import torch
from safetensors.torch import save_file

from finish import Finish, finished
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.structures import batch_images
from ssdlite import IMAGE_SIZE, SSDLite, anchor_shapes, decode_boxes
from start_everyday import FIRST, LEVELS, field_config, start

SIZE = 288  # 9 cells of stride 32: from there on every grid is odd, where both ways to pad agree
IDS = (3, 17, 62)


def test_the_field_is_the_detector(tmp_path):
    torch.manual_seed(0)
    detector = SSDLite().eval()
    for name, value in detector.state_dict().items():
        if name.endswith((".norm.bias", ".norm.running_mean")):
            value.normal_(std=0.1)
    save_file(detector.state_dict(), tmp_path / "ssd.safetensors")
    config = dataclasses.replace(mobilenet_v2_fpn_config(len(IDS)), keypoint_head=None)
    save_checkpoint(tmp_path / "model.safetensors", build_model(config), ModelInfo(config, ("a", "b", "c"), IDS))
    files = tmp_path / "model.safetensors", tmp_path / "ssd.safetensors"
    model, _ = start(*files, 32, 0.5, True, field_config(proposals=10))
    plain, _ = start(*files, 32, 0.5, True, field_config())

    x = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    with torch.no_grad():
        codes, expected = detector.ssd(detector.body(x))
        reading = model.heads["box"].read(model.backbone(x))
        anchors = plain.heads["box"].read(plain.backbone(x)).boxes
    count = reading.logits.shape[1]
    assert count == sum(len(anchor_shapes(k)) * g * g for k, g in enumerate((18, 9, 5, 3, 2)))
    torch.testing.assert_close(reading.logits, expected[:, :count, list(IDS)], rtol=1e-3, atol=1e-3)
    assert len(anchors) == count
    boxes = decode_boxes(codes[:, :count], anchors[:, [1, 0, 3, 2]])[..., [1, 0, 3, 2]]
    torch.testing.assert_close(reading.boxes, boxes, rtol=1e-3, atol=1e-2)


def test_the_anchors_are_the_detectors_at_its_own_size():
    config = field_config()
    assert len(config.cells) == LEVELS == len(FIRST)
    width, height = config.cells[0][1]
    assert abs(width / height - 2) < 1e-9 and abs((width * height) ** 0.5 - 0.2 * IMAGE_SIZE) < 1e-9


def test_a_narrower_box_head_keeps_its_strongest_units(tmp_path):
    config = mobilenet_v2_fpn_config(2)
    model = build_model(config)
    with torch.no_grad():
        model.heads["box"].fc1.weight[7] *= 100
        model.heads["box"].fc2.weight[5] *= 100
    save_checkpoint(tmp_path / "model.safetensors", model, ModelInfo(config, ("a", "b"), (1, 2)))
    save_file(SSDLite().state_dict(), tmp_path / "ssd.safetensors")
    files = tmp_path / "model.safetensors", tmp_path / "ssd.safetensors"
    narrow, info = start(*files, 16, 0.0, False, field_config())
    assert info.config.box_head.hidden == 16
    rows = narrow.heads["box"].fc1.weight
    assert any(torch.allclose(row, model.heads["box"].fc1.weight[7]) for row in rows)
    assert narrow.heads["box"].class_logits.weight.abs().max() == 0
    save_checkpoint(tmp_path / "narrow.safetensors", narrow, info)
    assert load_checkpoint(tmp_path / "narrow.safetensors")[1].config.box_head.field == field_config()


def test_a_finished_model_looks_twice_and_says_less_of_its_own(tmp_path):
    """The same photo: with a quarter of the own logits, and proposals that only the second look can have."""
    config = mobilenet_v2_fpn_config(2)
    save_checkpoint(tmp_path / "model.safetensors", build_model(config), ModelInfo(config, ("a", "b"), (1, 2)))
    save_file(SSDLite().state_dict(), tmp_path / "ssd.safetensors")
    files = tmp_path / "model.safetensors", tmp_path / "ssd.safetensors"
    begun, info = start(*files, 16, 1.0, True, field_config(proposals=20))
    save_checkpoint(tmp_path / "begun.safetensors", begun, info)
    flags = Finish(tmp_path / "begun.safetensors", tmp_path / "x", 0.25, 320, 0.5, 150.0, 7)
    model, info = finished(flags)
    assert info.config.preprocess.max_size == 320 and model.config.selection.post_nms == 7
    own, before = model.heads["box"].class_logits, begun.heads["box"].class_logits
    torch.testing.assert_close(own.weight, before.weight / 4)
    with torch.no_grad():
        x = torch.rand(1, 3, 320, 320)
        once, twice = (m.heads["box"].read(m.backbone(x)) for m in (begun, model))
    count = once.logits.shape[1]
    lengths = (twice.boxes[0, :, 2:] - twice.boxes[0, :, :2]).prod(-1).sqrt()
    assert lengths[:count].max() <= 150 < lengths[count:].max()
    kept, _ = load_checkpoint(save(tmp_path / "done.safetensors", model, info))
    assert len(kept(batch_images([x[0]]))) == 1


def save(path, model, info):
    save_checkpoint(path, model, info)
    return path
