"""Variants as plain functions: the call tree is the architecture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import nn

from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    LossConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.models.class_field import ClassField
from maskrcnn.models.fpn import FPN, Backbone
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.mobilenet_v2 import MobileNetV2
from maskrcnn.models.mobilenet_v3 import MobileNetV3
from maskrcnn.models.resnet import ResNet
from maskrcnn.models.rpn import RPN
from maskrcnn.ops.nd import MEMORY_FORMAT

BODIES: dict[str, Callable[..., nn.Module]] = {
    "resnet18": ResNet,
    "resnet34": ResNet,
    "resnet50": ResNet,
    "resnet101": ResNet,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3_large": MobileNetV3,
}


def build_model(config: ModelConfig) -> MaskRCNN:
    """The network of ``config`` with random weights, in the memory format that suits its D."""
    ndim, channels = config.ndim, config.backbone.fpn_channels
    body: Any = BODIES[config.backbone.body](ndim, config.in_channels, config.backbone)
    field = None
    if config.box_head.field is not None:
        field = ClassField(ndim, body.channels[-2:], body.strides[-2:], config.num_classes, config.box_head.field)
    eps = config.backbone.norm_eps
    fpn = FPN(ndim, body.channels, channels, config.backbone.separable, config.backbone.fpn_norm, eps)
    backbone = Backbone(body, fpn, body.strides, bare=2 if field else 0)
    rpn = RPN(ndim, channels, config.anchors, backbone.strides, config.backbone.separable, config.rpn_convs)
    box_head = BoxHead(ndim, channels, config.num_classes, config.box_head, backbone.strides, field, eps)
    mask_head = None
    if config.mask_head is not None:
        mask_head = MaskHead(ndim, channels, config.num_classes, config.mask_head, backbone.strides, eps)
    keypoint_head = None
    if config.keypoint_head is not None:
        keypoint_head = KeypointHead(ndim, channels, config.keypoint_head, backbone.strides)
    model = MaskRCNN(config, backbone, rpn, box_head, mask_head, keypoint_head)
    return model.to(memory_format=MEMORY_FORMAT[ndim])  # type: ignore[call-overload]


def resnet50_fpn_config(num_classes: int = 80, **changes: Any) -> ModelConfig:
    """The paper's settings with FPN: 800 px, 256 channels, 1000 proposals, 7 and 14 bins."""
    return dataclasses.replace(ModelConfig(num_classes=num_classes), **changes)


def resnet101_fpn_config(num_classes: int = 80, **changes: Any) -> ModelConfig:
    """The paper's larger model: as :func:`resnet50_fpn_config`, with 23 blocks in the third stage instead of 6."""
    config = ModelConfig(num_classes=num_classes, backbone=BackboneConfig("resnet101"))
    return dataclasses.replace(config, **changes)


def mobilenet_v2_fpn_config(num_classes: int = 80, **changes: Any) -> ModelConfig:
    """Small: a photo of 512 px in a few tenths of a second on two CPU cores, under 16 MiB in half precision."""
    config = ModelConfig(
        num_classes=num_classes,
        preprocess=PreprocessConfig((127.5,) * 3, (127.5,) * 3, min_size=448, max_size=448, antialias=True),
        backbone=BackboneConfig("mobilenet_v2", same_padding=True, fpn_channels=128, separable=True),
        anchors=AnchorConfig(sizes=((16.0,), (32.0,), (64.0,), (128.0,), (256.0,))),
        selection=SelectionConfig(pre_nms=300, post_nms=200),
        box_head=BoxHeadConfig(PoolConfig(7, aligned=True, canonical_size=128.0), hidden=512),
        mask_head=MaskHeadConfig(PoolConfig(14, aligned=True, canonical_size=128.0), channels=128),
        loss=LossConfig(box_samples=64, train_selection=SelectionConfig(pre_nms=500, post_nms=300)),
    )
    return dataclasses.replace(config, **changes)


def mask_rcnn_resnet50_fpn(num_classes: int = 80, **changes: Any) -> MaskRCNN:
    """Mask R-CNN with ResNet-50 and FPN; ``changes`` replace fields of :class:`ModelConfig`."""
    return build_model(resnet50_fpn_config(num_classes, **changes))


def mask_rcnn_mobilenet_v2_fpn(num_classes: int = 80, **changes: Any) -> MaskRCNN:
    """Mask R-CNN with MobileNetV2 and a slim FPN, the default for a CPU."""
    return build_model(mobilenet_v2_fpn_config(num_classes, **changes))


VARIANTS: dict[str, Callable[..., ModelConfig]] = {
    "resnet50_fpn": resnet50_fpn_config,
    "resnet101_fpn": resnet101_fpn_config,
    "mobilenet_v2_fpn": mobilenet_v2_fpn_config,
}
