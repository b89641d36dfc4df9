"""detectron2's Mask, Faster, Keypoint and DensePose R-CNN with ResNet-50 or ResNet-101 and FPN under our names.

What differs from ours: images are BGR (the stem's channels are turned round, so that here they stay RGB), background is
the last class (its row comes first here), and the settings of :func:`detectron2_config`. All of it was read off its
sources and is checked against its outputs (tests/golden). A model's size and kind follow from its tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maskrcnn.checkpoints.foreign.coco_classes import COCO_CLASSES, COCO_KEYPOINTS, COCO_SKELETON
from maskrcnn.checkpoints.foreign.densepose.settings import surface_notes, with_surface
from maskrcnn.checkpoints.foreign.detectron2_names import NORMED, TABLE
from maskrcnn.checkpoints.foreign.name_mapping import ImportSummary, build_filled, rename
from maskrcnn.checkpoints.foreign.torch_files import read_foreign_file, state_of
from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    DetectionConfig,
    KeypointHeadConfig,
    LossConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.errors import CheckpointError, UsageError
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.anchors import cell_anchors

BODIES = {6: "resnet50", 23: "resnet101"}  # by the number of blocks of res4
ASSUMED = (
    "As in detectron2's model zoo, since its files do not say: images are BGR and 800 pixels high or wide, strides lie "
    "in the 1x1 convolutions."
)
# The layers from whose shapes the number of classes, what is agnostic of them and the number of keypoints follow, and
# how many sides their weights have.
TELLING = {
    "roi_heads.box_predictor.cls_score.weight": 2,
    "roi_heads.box_predictor.bbox_pred.weight": 2,
    "roi_heads.mask_head.predictor.weight": 4,
    "roi_heads.keypoint_head.score_lowres.weight": 4,
}
CELL_ANCHORS = "proposal_generator.anchor_generator.cell_anchors"


def detectron2_config(
    num_classes: int = 80, body: str = "resnet50", masks: bool = True, num_keypoints: int = 0, **changes: Any
) -> ModelConfig:
    """The settings of detectron2's ``*_rcnn_R_50_FPN`` and ``*_rcnn_R_101_FPN``.

    Args:
        num_classes: without background.
        body: resnet50 or resnet101.
        masks: Mask R-CNN.
        num_keypoints: of one object; 0: no keypoint head.
        **changes: replace further fields of the config.

    Returns:
        The configuration.
    """
    pool = PoolConfig(7, sampling_ratio=0, aligned=True, epsilon_inside=True)
    pool_14 = PoolConfig(14, sampling_ratio=0, aligned=True, epsilon_inside=True)
    loss = LossConfig(
        rpn_smooth_l1_beta=0.0,
        box_smooth_l1_beta=0.5 if num_keypoints else 0.0,
        mask_binary=True,
        keypoint_weight=1.0,
        train_selection=SelectionConfig(2000, 1500 if num_keypoints else 1000, min_box_size=0),
    )
    fields: dict[str, Any] = {
        "num_classes": num_classes,
        "preprocess": PreprocessConfig((123.675, 116.28, 103.53), (1.0, 1.0, 1.0), antialias=True),
        "backbone": BackboneConfig(body, norm_eps=1e-5, stride_in_1x1=True),
        "anchors": AnchorConfig(),
        "selection": SelectionConfig(min_box_size=0),
        "detection": DetectionConfig(min_box_size=0),
        "box_head": BoxHeadConfig(pool),
        "mask_head": MaskHeadConfig(pool_14) if masks else None,
        "loss": loss,
    }
    if num_keypoints:
        fields["keypoint_head"] = KeypointHeadConfig(
            pool_14, 512, 8, num_keypoints, upsampled_logits=True, decoding="highest"
        )
    return ModelConfig(**fields | changes)


def is_detectron2(tensors: Mapping[str, object]) -> bool:
    """Whether names are those of one of detectron2's models, of whatever kind."""
    return any(name.startswith(("backbone.bottom_up.", "proposal_generator.")) for name in tensors)


def load_detectron2(
    path: str | Path, class_names: Sequence[str] | None = None
) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    """Load one of detectron2's files (``.pkl`` of its model zoo, ``.pth`` of a training).

    Args:
        path: of the file.
        class_names: of the model's classes in order. None: COCO's where the number of classes is
            COCO's, else class1, class2, ...

    Returns:
        The model in evaluation mode, what is known of it, and what fitted where.

    Raises:
        CheckpointError: no such file, not detectron2's, damaged, or a model of another kind.
        UsageError: the number of names is not that of the classes.
    """
    return convert_detectron2(read_foreign_file(path), path, class_names)


def convert_detectron2(
    content: Any, path: str | Path, class_names: Sequence[str] | None = None
) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    """Convert what a file of detectron2's holds, as :func:`load_detectron2` does.

    Args:
        content: a state dict, or one under ``model``.
        path: of the file, for sentences.
        class_names: as for :func:`load_detectron2`.

    Returns:
        The model in evaluation mode, what is known of it, and what fitted where.
    """
    tensors = state_of(content)
    if not is_detectron2(tensors):
        first = ", ".join(list(tensors)[:3]) or "none"
        raise CheckpointError(f"{path} holds no model of detectron2: the first names of tensors in it are {first}.")
    config = config_of(tensors, path)
    kind = f"detectron2's {kind_of(config)}"
    table = TABLE
    if config.surface_head is not None and config.surface_head.norm is not None:
        table = replace(TABLE, names=(*NORMED, *TABLE.names))
    renamed = rename(with_plain_norms(tensors), table)
    model, report = build_filled(config, renamed, table, path, kind)
    names, ids = names_of(config, class_names, path)
    report.notes += [ASSUMED, *surface_notes(tensors)]
    if config.preprocess.pixel_mean[0] < config.preprocess.pixel_mean[2]:
        report.notes.append("Its means of the pixels look like RGB rather than BGR: if so, colours are mixed up.")
    notes = {"converted_from": f"{kind}, {Path(path).name}"}
    points = COCO_KEYPOINTS if config.keypoint_head and config.keypoint_head.num_keypoints == 17 else ()
    info = ModelInfo(config, names, ids, {}, notes, points, COCO_SKELETON if points else ())
    return model.eval(), info, report


def config_of(tensors: Mapping[str, Tensor], path: object) -> ModelConfig:
    """The config of a model with these tensors.

    What they do not tell is taken as the model zoo has it: that strides lie in the 1x1 convolutions, the sizes that
    images are resized to, and all thresholds.

    Raises:
        CheckpointError: no ResNet-50 or ResNet-101 with FPN.
    """
    blocks = {name.split(".")[3] for name in tensors if name.startswith("backbone.bottom_up.res4.")}
    scores, deltas, masks, points = (tensors.get(name) for name in TELLING)
    known = len(blocks) in BODIES and "backbone.fpn_output2.weight" in tensors
    shaped = all(tensors[name].ndim == ndim for name, ndim in TELLING.items() if name in tensors)
    if not known or not shaped or scores is None or deltas is None or len(scores) < 2:
        raise CheckpointError(
            f"{path} is a model of detectron2, but none with ResNet-50 or ResNet-101, FPN and one box head ("
            f"{len(blocks)} blocks in res4, {_having(tensors)}); Mask, Faster, Keypoint and DensePose R-CNN of those "
            "can be read."
        )
    num_classes = len(scores) - 1
    config = detectron2_config(
        num_classes, BODIES[len(blocks)], masks is not None, 0 if points is None else points.shape[1]
    )
    box_head = replace(config.box_head, class_agnostic=len(deltas) == 4 < 4 * num_classes, hidden=scores.shape[1])
    mask_head = config.mask_head
    if mask_head is not None and masks is not None:
        mask_head = replace(
            mask_head, class_agnostic=len(masks) == 1 < num_classes, convs=_count(tensors, "mask_head.mask_fcn")
        )
    config = replace(
        config,
        box_head=box_head,
        mask_head=mask_head,
        preprocess=_preprocess(tensors, config.preprocess),
        anchors=_anchors(tensors, path),
    )
    return with_surface(config, tensors)


def names_of(
    config: ModelConfig, class_names: Sequence[str] | None, path: object
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Name the classes of a model.

    Args:
        config: with their number.
        class_names: in order; None: COCO's where the number is COCO's.
        path: of the file, for sentences.

    Returns:
        The names, and their ids in COCO where they are COCO's.

    Raises:
        UsageError: the number of names is not that of the classes.
    """
    count = config.num_classes
    if class_names is not None:
        if len(class_names) != count:
            raise UsageError(f"{path} has {count} classes, but {len(class_names)} names were given for them.")
        return tuple(class_names), ()
    if count == len(COCO_CLASSES):
        return tuple(COCO_CLASSES.values()), tuple(COCO_CLASSES)
    if count == 1 and (config.keypoint_head is not None or config.surface_head is not None):
        return ("person",), (1,)
    return tuple(f"class{k + 1}" for k in range(count)), ()


def kind_of(config: ModelConfig) -> str:
    """Such as ``R50-FPN Mask R-CNN``."""
    head = "Keypoint" if config.keypoint_head else "Mask" if config.mask_head else "Faster"
    head = "DensePose" if config.surface_head else head
    return f"{config.backbone.body.replace('resnet', 'R')}-FPN {head} R-CNN"


def with_plain_norms(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Files from Caffe2 have norms without statistics, whose mean is 0 and variance 1."""
    added = {}
    for name, value in tensors.items():
        norm = name.removesuffix("weight")
        if norm.endswith(".norm.") and not norm.startswith("roi_heads.densepose_head"):  # whose norms are of groups
            added[f"{norm}running_mean"] = torch.zeros(()).expand(value.shape)  # without memory, however many there are
            added[f"{norm}running_var"] = torch.ones(()).expand(value.shape)
    return added | dict(tensors)


def _preprocess(tensors: Mapping[str, Tensor], usual: PreprocessConfig) -> PreprocessConfig:
    """Files of some versions have the mean and the deviation of the pixels, in the order BGR."""
    mean, std = (tensors.get(name) for name in ("pixel_mean", "pixel_std"))
    if mean is None or std is None or mean.numel() != 3 or std.numel() != 3:
        return usual
    mean, std = mean.double().flatten().flip(0), std.double().flatten().flip(0)
    if (mean - torch.tensor(usual.pixel_mean, dtype=torch.float64)).abs().max() < 1e-3 and (std - 1).abs().max() < 1e-6:
        return usual  # without the rounding to float32
    return replace(usual, pixel_mean=tuple(mean.tolist()), pixel_std=tuple(std.tolist()))


def _anchors(tensors: Mapping[str, Tensor], path: object) -> AnchorConfig:
    """Some files have the anchors around a cell, ``[A, 4]`` a level; those of one size and a few shapes are ours."""
    usual = AnchorConfig()
    cells = [tensors[f"{CELL_ANCHORS}.{k}"].double() for k in range(5) if f"{CELL_ANCHORS}.{k}" in tensors]
    if len(cells) != 5:
        return usual
    sides = torch.stack([cell[:, 2:] - cell[:, :2] for cell in cells])  # levels, shapes, x and y
    size = sides.prod(2).sqrt()
    found = AnchorConfig(
        sizes=tuple((float(s),) for s in size[:, 0]),
        shapes=tuple((float(x), float(y)) for x, y in sides[0] / size[0, 0]),
    )
    expected = torch.stack([cell_anchors(sizes, found.shapes) for sizes in found.sizes]).double()
    if (expected - torch.stack(cells)).abs().max() > 1e-2:
        raise CheckpointError(f"{path} was trained with anchors of several sizes a level, which cannot be read.")
    same = torch.stack([cell_anchors(sizes, usual.shapes) for sizes in usual.sizes]).double()
    return usual if same.shape == expected.shape and (expected - same).abs().max() < 1e-2 else found


def _count(tensors: Mapping[str, Tensor], layer: str) -> int:
    return len([name for name in tensors if name.startswith(f"roi_heads.{layer}") and name.endswith(".weight")])


def _having(tensors: Mapping[str, Tensor]) -> str:
    """The first names that those models do not have, for a sentence."""
    foreign = [name for name in tensors if TABLE.our_name(name) is None][:3]
    return f"tensors such as {', '.join(foreign)}" if foreign else "none of other models"
