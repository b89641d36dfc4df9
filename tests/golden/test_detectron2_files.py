"""detectron2's files: of its model zoo and of a training, of our own classes, and of models that are none of these."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import seeded_detectron2 as made
import torch
from torch import Tensor

from maskrcnn.checkpoints.foreign.coco_classes import COCO_CLASSES, COCO_KEYPOINTS
from maskrcnn.checkpoints.foreign.detectron2 import config_of, convert_detectron2, is_detectron2, load_detectron2
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.checkpoints.transfer import same_weights
from maskrcnn.data.transforms.samples import prepare_image
from maskrcnn.errors import CheckpointError, MaskRCNNError, UsageError
from maskrcnn.structures import batch_images


@functools.lru_cache(1)
def weights(name: str = "mask_r50") -> dict[str, np.ndarray]:
    return made.state_dict(made.MODELS[name])


def shapes(name: str = "mask_r50", **changes: object) -> dict[str, Tensor]:
    """A model's tensors that take no memory, all zero."""
    model = made.MODELS[name]._replace(**changes)  # type: ignore[arg-type]
    return {key: torch.zeros(()).expand(shape) for key, shape in made.names_and_shapes(model)}


@pytest.fixture(scope="module")
def zoo_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("zoo") / "model_final_f10217.pkl"
    path.write_bytes(pickle.dumps({"model": weights(), "__author__": "Detectron2 Model Zoo"}, 2))
    yield path
    path.unlink()


def test_a_file_of_the_zoo_becomes_ours_to_the_bit(zoo_file: Path, tmp_path: Path) -> None:
    model, info, report = load_detectron2(zoo_file)
    assert [(s.stage, s.tensors) for s in report.stages] == [
        ("body", 265), ("FPN", 16), ("RPN", 6), ("box head", 8), ("mask head", 12),
    ]  # fmt: skip
    save_checkpoint(tmp_path / "ours.safetensors", model, info)
    again, said = load_checkpoint(tmp_path / "ours.safetensors")
    assert said == info
    assert said.class_names == tuple(COCO_CLASSES.values())
    assert said.category_ids == tuple(COCO_CLASSES)
    assert said.notes["converted_from"] == "detectron2's R50-FPN Mask R-CNN, model_final_f10217.pkl"
    assert same_weights(model, again)
    p = info.config.preprocess
    picture = torch.from_numpy(made.pixels(0)).permute(2, 0, 1)
    images = batch_images([prepare_image(picture, made.MIN_SIZE, made.MAX_SIZE, p.pixel_mean, p.pixel_std, True)[0]])
    with torch.inference_mode():
        (first,), (second,) = model(images), again(images)
    assert len(first) > 0
    for name in ("boxes", "labels", "scores", "mask_logits"):
        assert torch.equal(getattr(first, name), getattr(second, name))


def test_the_file_of_a_training_is_the_same_model(zoo_file: Path, tmp_path: Path) -> None:
    state = {name: torch.from_numpy(value) for name, value in weights().items()}
    state["pixel_mean"], state["pixel_std"] = torch.tensor([103.53, 116.28, 123.675]), torch.ones(3)
    momentum = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.02, "params": [0]}]}
    torch.save({"model": state, "optimizer": momentum, "iteration": 89999}, tmp_path / "model_final.pth")
    model, info, report = load_detectron2(tmp_path / "model_final.pth")
    assert report.ignored == 2
    expected, said, _ = load_detectron2(zoo_file)
    assert info.config == said.config
    assert same_weights(model, expected)


def test_a_truncated_file_is_one_sentence(zoo_file: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.pkl"
    part.write_bytes(zoo_file.read_bytes()[: 10**7])
    with pytest.raises(CheckpointError, match=r"part\.pkl is no model file, or a damaged or truncated one .*fetch it"):
        load_detectron2(part)


@pytest.mark.parametrize(
    "name, kind, names",
    (
        ("mask_r101", "R101-FPN Mask R-CNN", tuple(COCO_CLASSES.values())),
        ("faster_r50", "R50-FPN Faster R-CNN", tuple(COCO_CLASSES.values())),
        ("keypoint_r50", "R50-FPN Keypoint R-CNN", ("person",)),
    ),
)
def test_kinds_are_told_from_tensors(name: str, kind: str, names: tuple[str, ...]) -> None:
    model, info, report = convert_detectron2(shapes(name), "model.pkl")
    assert report.source == f"detectron2's {kind}"
    assert info.class_names == names
    assert info.keypoint_names == (COCO_KEYPOINTS if "keypoint" in name else ())
    assert ("mask" in model.heads) == ("mask" in name)


def test_a_model_of_our_own_classes() -> None:
    _, info, _ = convert_detectron2(shapes(classes=3), "own.pth")
    assert (info.class_names, info.category_ids) == (("class1", "class2", "class3"), ())
    _, info, _ = convert_detectron2(shapes(classes=3), "own.pth", ["cat", "dog", "cow"])
    assert info.class_names == ("cat", "dog", "cow")
    with pytest.raises(UsageError, match=r"own\.pth has 3 classes, but 2 names"):
        convert_detectron2(shapes(classes=3), "own.pth", ["cat", "dog"])


def test_what_a_file_says_of_pixels_and_anchors_is_taken() -> None:
    tensors = shapes(classes=2)
    tensors["pixel_mean"] = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)  # B, G, R
    tensors["pixel_std"] = torch.tensor([4.0, 5.0, 6.0]).reshape(3, 1, 1)
    for k in range(5):
        x, y = torch.tensor([8.0, 16.0, 32.0]) * 2**k / 2, torch.tensor([32.0, 16.0, 8.0]) * 2**k / 2
        name = f"proposal_generator.anchor_generator.cell_anchors.{k}"
        tensors[name] = torch.stack([-x, -y, x, y], 1)
    config = config_of(tensors, "own.pth")
    assert config.preprocess.pixel_mean == (3, 2, 1)
    assert config.preprocess.pixel_std == (6, 5, 4)
    assert len(convert_detectron2(tensors, "own.pth")[2].notes) == 1
    tensors["pixel_mean"] = torch.tensor([3.0, 2.0, 1.0])
    assert "look like RGB" in convert_detectron2(tensors, "own.pth")[2].notes[1]
    assert config.anchors.sizes == ((16,), (32,), (64,), (128,), (256,))
    assert config.anchors.shapes == ((0.5, 2), (1, 1), (2, 0.5))


def test_anchors_of_the_zoo_are_ours() -> None:
    tensors = shapes()
    for k in range(5):
        area = float(32 * 2**k) ** 2
        width = torch.tensor([(area / ratio) ** 0.5 for ratio in (0.5, 1.0, 2.0)])
        height = width * torch.tensor([0.5, 1.0, 2.0])
        name = f"proposal_generator.anchor_generator.cell_anchors.{k}"
        tensors[name] = torch.stack([-width, -height, width, height], 1) / 2
    assert config_of(tensors, "model.pkl") == config_of(shapes(), "model.pkl")


def test_heads_of_other_widths_and_one_mask_for_all_classes() -> None:
    tensors = shapes(classes=5)
    wide = {"box_head.fc1.weight": (64, 12544), "box_head.fc1.bias": (64,), "box_head.fc2.weight": (64, 64),
            "box_head.fc2.bias": (64,), "box_predictor.cls_score.weight": (6, 64),
            "box_predictor.bbox_pred.weight": (4, 64), "box_predictor.bbox_pred.bias": (4,),
            "mask_head.predictor.weight": (1, 256, 1, 1), "mask_head.predictor.bias": (1,)}  # fmt: skip
    tensors |= {f"roi_heads.{name}": torch.zeros(()).expand(shape) for name, shape in wide.items()}
    for part in ("weight", "bias"):
        del tensors[f"roi_heads.mask_head.mask_fcn4.{part}"]
    _, info, _ = convert_detectron2(tensors, "own.pth")
    assert info.config.box_head.class_agnostic and info.config.box_head.hidden == 64
    assert info.config.mask_head is not None
    assert info.config.mask_head.class_agnostic and info.config.mask_head.convs == 3


def test_norms_without_statistics_have_mean_0_and_variance_1() -> None:
    tensors = {name: value for name, value in shapes().items() if ".running_" not in name}
    model, _, _ = convert_detectron2(tensors, "caffe2.pkl")
    state = model.state_dict()
    assert state["backbone.body.stem.norm.running_var"].unique().tolist() == [1]
    assert state["backbone.body.stages.3.0.shortcut.norm.running_mean"].unique().tolist() == [0]


def test_channels_and_background_are_where_ours_are() -> None:
    tensors = shapes(classes=2)
    tensors["backbone.bottom_up.stem.conv1.weight"] = torch.arange(3.0)[:, None, None].expand(64, 3, 7, 7)
    tensors["roi_heads.box_predictor.cls_score.bias"] = torch.tensor([1.0, 2.0, 0.0])  # two classes, background
    tensors["roi_heads.box_predictor.cls_score.weight"] = torch.tensor([1.0, 2.0, 0.0])[:, None].expand(3, 1024)
    state = convert_detectron2(tensors, "own.pth")[0].state_dict()
    assert state["backbone.body.stem.conv.weight"][0, :, 0, 0].tolist() == [2, 1, 0]
    assert state["heads.box.class_logits.bias"].tolist() == [0, 1, 2]
    assert state["heads.box.class_logits.weight"][:, 5].tolist() == [0, 1, 2]


def without(tensors: dict[str, Tensor], *beginnings: str) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if not name.startswith(beginnings)}


ONE = torch.zeros(())
FOREIGN = {
    "missing": (without(shapes(), "roi_heads.mask_head.deconv", "backbone.fpn_lateral3"), "4 of its tensors"),
    "left over": (shapes() | {"roi_heads.mask_head.more.weight": ONE}, r"left over \(roi_heads.mask_head.more"),
    "ResNeXt": (
        shapes("mask_r101") | {"backbone.bottom_up.res2.0.conv2.weight": ONE.expand(256, 8, 3, 3)},
        r"of another shape \(backbone.bottom_up.res2.0.conv2.weight \[256, 8, 3, 3\] for \[64, 64, 3, 3\]",
    ),
    "C4": (
        without(shapes(), "backbone.fpn", "backbone.bottom_up.res5") | {"roi_heads.res5.0.conv1.weight": ONE},
        "roi_heads.res5.0.conv1.weight",
    ),
    "RetinaNet": (without(shapes(), "roi_heads") | {"head.cls_score.weight": ONE}, "head.cls_score.weight"),
    "Cascade": (
        without(shapes(), "roi_heads.box") | {"roi_heads.box_predictor.0.cls_score.weight": ONE},
        "roi_heads.box_predictor.0.cls_score.weight",
    ),
    "a body": (without(shapes(), "backbone.fpn", "proposal", "roi_heads"), "6 blocks in res4"),
    "scores without a shape": (shapes() | {"roi_heads.box_predictor.cls_score.weight": ONE}, "none with ResNet-50"),
    "points without a shape": (shapes() | {"roi_heads.keypoint_head.score_lowres.weight": ONE}, "none with ResNet-50"),
    "one class of nothing": (shapes() | {"roi_heads.box_predictor.cls_score.weight": ONE.expand(1, 1024)}, "none with"),
    "pooled otherwise": (shapes() | {"roi_heads.box_head.fc1.weight": ONE.expand(1024, 256 * 9)}, "fc1.weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_other_models_are_one_sentence_with_the_first_names_that_do_not_fit(name: str) -> None:
    tensors, says = FOREIGN[name]
    assert is_detectron2(tensors)
    with pytest.raises(CheckpointError, match=f"file.pkl .*{says}"):
        convert_detectron2(tensors, "file.pkl")


@pytest.mark.parametrize("content", ({}, [], None, 3, {"model": 3}, {"model": {"conv1_w": np.zeros(3)}}, {1: 2}))
def test_files_of_something_else(content: object) -> None:
    with pytest.raises(MaskRCNNError, match=r"file\.pkl holds no model of detectron2"):
        convert_detectron2(content, "file.pkl")
    assert not is_detectron2({"backbone.body.conv1.weight": 0})
