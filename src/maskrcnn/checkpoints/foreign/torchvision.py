"""torchvision's R-CNN detectors under our names: one table, and the knobs that make outputs agree.

``maskrcnn_resnet50_fpn``, ``fasterrcnn_resnet50_fpn`` and ``keypointrcnn_resnet50_fpn`` (any ResNet of theirs), the
``_v2`` forms with norms in the pyramid and the heads, and ``fasterrcnn_mobilenet_v3_large_fpn`` and ``_320_fpn``. Which
one a file holds is read from its tensors.

torchvision counts background as class 0 in every output layer; our box-delta and mask layers have rows for 1..K only,
so the background's rows, which no prediction reads, are left out. Its COCO models have a slot for each of the 90 ids;
the ten without objects become ``BoxHeadConfig.unused``, so that 80 classes are left and their scores stay the same.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from maskrcnn.checkpoints.foreign.coco_classes import COCO_CLASSES, COCO_KEYPOINTS, COCO_SKELETON
from maskrcnn.checkpoints.foreign.name_mapping import (
    ImportSummary,
    NameTable,
    Transform,
    build_filled,
    rename,
    without_rows,
)
from maskrcnn.checkpoints.foreign.torchvision_names import BACKGROUND_ROWS, IGNORED, MOBILE, NAMES, NORMED, RESNET
from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    KeypointHeadConfig,
    MaskHeadConfig,
    ModelConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.errors import UsageError
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN

CATEGORY_IDS = tuple(COCO_CLASSES)
UNUSED_SLOTS = tuple(k for k in range(1, max(CATEGORY_IDS)) if k not in COCO_CLASSES)
FIVE_SIZES = ((32.0, 64.0, 128.0, 256.0, 512.0),)


@dataclasses.dataclass(frozen=True)
class Kind:
    """Which of torchvision's models a state dict is, as far as its tensors say."""

    body: str  # our name of it
    v2: bool
    slots: int  # of classes, background among them
    masks: bool
    keypoints: int  # of an object; 0: no such head
    mask_channels: int = 256
    mobile_320: bool = False  # the same tensors as its larger sister, other settings; only the file's name tells

    @property
    def name(self) -> str:
        """What torchvision calls it."""
        family = "keypointrcnn" if self.keypoints else "maskrcnn" if self.masks else "fasterrcnn"
        size = "_320" if self.mobile_320 else ""
        return f"{family}_{self.body}{size}_fpn{'_v2' if self.v2 else ''}"

    @property
    def mobile(self) -> bool:
        """Whether its body is MobileNetV3."""
        return self.body == "mobilenet_v3_large"

    @property
    def of_coco(self) -> bool:
        """Whether it has COCO's slots, ten of which no object has."""
        return self.slots == len(CATEGORY_IDS) + len(UNUSED_SLOTS) + 1


def is_torchvision(names: Iterable[str]) -> bool:
    """Whether a state dict has torchvision's names, whole or not."""
    return any(
        name.startswith(("roi_heads.box_predictor.", "rpn.head.", "backbone.fpn.inner_blocks.")) for name in names
    )


def kind_of(tensors: Mapping[str, Tensor], file_name: str = "") -> Kind:
    """The model that ``tensors`` are of; what is missing is for ``name_mapping.fill`` to say."""
    score = tensors.get("roi_heads.box_predictor.cls_score.bias")
    points = tensors.get("roi_heads.keypoint_predictor.kps_score_lowres.weight")
    mask = tensors.get("roi_heads.mask_predictor.mask_fcn_logits.weight")
    mobile = "backbone.body.0.0.weight" in tensors
    return Kind(
        body="mobilenet_v3_large" if mobile else _resnet(tensors),
        v2=any(name.startswith("backbone.fpn.inner_blocks.0.1.") for name in tensors),
        slots=91 if score is None else len(score),
        masks=any(name.startswith("roi_heads.mask_predictor.") for name in tensors),
        keypoints=0 if points is None else points.shape[1],
        mask_channels=256 if mask is None else mask.shape[1],
        mobile_320=mobile and "320" in file_name,
    )


def _resnet(tensors: Mapping[str, Tensor]) -> str:
    """By how many blocks its third stage has, and whether a block has three convolutions."""
    blocks = {name.split(".")[3] for name in tensors if name.startswith("backbone.body.layer3.")}
    if "backbone.body.layer1.0.conv3.weight" not in tensors and "backbone.body.layer1.0.conv2.weight" in tensors:
        return "resnet18" if len(blocks) <= 2 else "resnet34"
    return "resnet101" if len(blocks) > 6 else "resnet50"


def config_of(kind: Kind, norm_eps: float = 1e-5, drop_unused: bool = True) -> ModelConfig:
    """The settings of one of torchvision's models.

    Args:
        kind: which of the models.
        norm_eps: 0.0 for the first published checkpoints, whose loader overwrites it; 1e-5 for ones
            trained elsewhere.
        drop_unused: COCO's slots without objects are no classes.

    Returns:
        The configuration.
    """
    norm = "frozen" if kind.v2 else None
    unused = len(UNUSED_SLOTS) if kind.of_coco and drop_unused else 0
    config = ModelConfig(
        num_classes=kind.slots - 1 - unused,
        preprocess=PreprocessConfig(antialias=False),
        backbone=BackboneConfig(kind.body, norm_eps=norm_eps, fpn_norm=norm),
        anchors=AnchorConfig(rounded=True, padded_stride=True),
        rpn_convs=2 if kind.v2 else 1,
        box_head=BoxHeadConfig(unused=unused),
        mask_head=MaskHeadConfig(norm=norm, channels=kind.mask_channels) if kind.masks else None,
    )
    if kind.v2:
        config = dataclasses.replace(config, box_head=BoxHeadConfig(convs=4, norm=norm, linears=1, unused=unused))
    if kind.keypoints:
        points = KeypointHeadConfig(
            channels=512, convs=8, num_keypoints=kind.keypoints, upsampled_logits=True, decoding="highest"
        )
        config = dataclasses.replace(config, keypoint_head=points)
    return _mobile(config, kind.mobile_320) if kind.mobile else config


def _mobile(config: ModelConfig, small: bool) -> ModelConfig:
    """The settings that torchvision gives its models with MobileNetV3."""
    count = 150 if small else 1000
    return dataclasses.replace(
        config,
        preprocess=dataclasses.replace(config.preprocess, min_size=320, max_size=640) if small else config.preprocess,
        anchors=dataclasses.replace(config.anchors, sizes=FIVE_SIZES * 3),
        selection=SelectionConfig(pre_nms=count, post_nms=count, score_threshold=0.05),
    )


def torchvision_config(num_classes: int = 90, norm_eps: float = 0.0, **changes: object) -> ModelConfig:
    """The settings of ``maskrcnn_resnet50_fpn`` (v1), with ``changes`` of further fields.

    Args:
        num_classes: without background (torchvision's 91 slots are 90 here).
        norm_eps: see :func:`config_of`.
        **changes: replace further fields of the configuration.
    """
    config = config_of(Kind("resnet50", False, num_classes + 1, True, 0), norm_eps, drop_unused=False)
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]


def table_of(kind: Kind, drop_unused: bool = True) -> NameTable:
    """The names of one of torchvision's models, and which rows of its output layers are ours."""
    transforms: dict[str, Transform] = {}
    if kind.of_coco and drop_unused:
        used = torch.tensor(CATEGORY_IDS)
        classes = torch.cat([torch.zeros(1, dtype=torch.long), used, torch.tensor(UNUSED_SLOTS)])
        rows = {"heads.box.class_logits": (classes, 1)}
        rows |= {layer: (used, count) for layer, count in BACKGROUND_ROWS.items()}
        for layer, (slots, count) in rows.items():
            for part in ("weight", "bias"):
                transforms[f"{layer}.{part}"] = functools.partial(_rows, slots=slots, count=count)
    else:
        for layer, count in BACKGROUND_ROWS.items():
            transforms |= {f"{layer}.{part}": without_rows(count) for part in ("weight", "bias")}
    return NameTable(
        "torchvision", (MOBILE if kind.mobile else RESNET) + (NORMED if kind.v2 else ()) + NAMES, IGNORED, transforms
    )


def _rows(value: Tensor, slots: Tensor, count: int) -> Tensor:
    """The rows of the slots, of which each has ``count``; a tensor with too few rows stays as it is."""
    if len(value) < count * (int(slots.max()) + 1):
        return value
    moved: Tensor = value.unflatten(0, (-1, count))[slots].flatten(0, 1)
    return moved


def convert_torchvision(
    tensors: Mapping[str, Tensor],
    path: str | Path,
    class_names: Sequence[str] | None = None,
    norm_eps: float | None = None,
) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    """Convert one of torchvision's state dicts.

    Args:
        tensors: by torchvision's names.
        path: the file that it comes from, for sentences.
        class_names: of the model's classes in order, without background. None: COCO's where the
            number of classes is COCO's, person where there are keypoints, else class1, class2, ...
        norm_eps: under the root of the body's norms; no file says it. None: 1e-5, and a note where
            that may be wrong.

    Returns:
        The model in evaluation mode, what is known of it, and what fitted where.

    Raises:
        CheckpointError: it is none of torchvision's models, or a part of one.
        UsageError: the number of names is not that of the classes.
    """
    kind = kind_of(tensors, Path(path).name)
    drop_unused = kind.of_coco and class_names is None
    config = config_of(kind, 1e-5 if norm_eps is None else norm_eps, drop_unused)
    table = table_of(kind, drop_unused)
    model, report = build_filled(config, rename(tensors, table), table, path, f"torchvision's {kind.name}")
    names, ids = _classes(config.num_classes, kind, class_names)
    info = ModelInfo(config, names, ids, notes={"source": f"torchvision's {kind.name}"})
    if kind.keypoints == len(COCO_KEYPOINTS):
        info = dataclasses.replace(info, keypoint_names=COCO_KEYPOINTS, skeleton=COCO_SKELETON)
    elif kind.keypoints:
        info = dataclasses.replace(info, keypoint_names=tuple(f"point{k}" for k in range(1, kind.keypoints + 1)))
    counted = any(name.endswith("num_batches_tracked") for name in tensors)
    if norm_eps is None and not counted and not kind.v2 and not kind.mobile:
        report.notes.append(
            "its norms are frozen, and nothing in it says their epsilon: 1e-5 was taken; if it was trained from "
            "torchvision's COCO weights, it is 0 (--norm-eps 0)."
        )
    return model, info, report


def _classes(count: int, kind: Kind, names: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the classes, and COCO's ids where they are COCO's."""
    if names is not None:
        if len(names) != count:
            raise UsageError(f"The model has {count} classes, but {len(names)} names were given.")
        return tuple(names), ()
    if kind.of_coco:
        return tuple(COCO_CLASSES.values()), CATEGORY_IDS
    if kind.keypoints and count == 1:
        return ("person",), (1,)
    return tuple(f"class{k}" for k in range(1, count + 1)), ()
