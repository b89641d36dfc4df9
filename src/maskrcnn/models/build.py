"""From a config to the network: the call tree is the architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from maskrcnn.config import BackboneConfig, ModelConfig
from maskrcnn.models.backbones.mobilenet_v2 import MobileNetV2
from maskrcnn.models.backbones.mobilenet_v3 import MobileNetV3
from maskrcnn.models.backbones.resnet import ResNet
from maskrcnn.models.class_field import ClassField
from maskrcnn.models.fpn import FPN, Backbone
from maskrcnn.models.head import Head, HeadBuilder
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.heads.closeup import CloseUpHead
from maskrcnn.models.heads.closeup_mask import GIVEN, CloseUpMaskHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.heads.semantic import SemanticHead
from maskrcnn.models.heads.surface import SurfaceHead
from maskrcnn.models.heads.whole import WholeHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import RPN
from maskrcnn.models.surface.closeup import CloseUpSurface
from maskrcnn.models.surface.network import SurfaceNetwork
from maskrcnn.models.variants import mobilenet_v2_fpn_config, resnet50_fpn_config
from maskrcnn.ops.nd import MEMORY_FORMAT

BODIES: dict[str, Callable[..., nn.Module]] = {
    "resnet18": ResNet,
    "resnet34": ResNet,
    "resnet50": ResNet,
    "resnet101": ResNet,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3_large": MobileNetV3,
}


def build_model(config: ModelConfig, heads: Mapping[str, HeadBuilder] | None = None) -> MaskRCNN:
    """The network of ``config`` with random weights, in the memory format that suits its D.

    Args:
        config: of the network, its number of dimensions D included.
        heads: further heads than the package's own, by name; see docs/extending.md.

    Returns:
        The model, in ``train()`` mode and on the CPU.
    """
    ndim, channels = config.ndim, config.backbone.fpn_channels
    body = _body(config, config.backbone)
    field, bare, rescaled = None, 0, None
    if config.box_head.field is not None and config.finds_objects:
        bare, rescaled = 2, config.box_head.field.rescaled
        field = ClassField(ndim, body.channels[-2:], body.strides[-2:], config.num_classes, config.box_head.field)
    eps = config.backbone.norm_eps
    fpn = FPN(ndim, body.channels, channels, config.backbone.separable, config.backbone.fpn_norm, eps)
    backbone = Backbone(body, fpn, body.strides, bare=bare, rescaled=rescaled)
    rpn = box_head = None
    if config.finds_objects:
        rpn = RPN(ndim, channels, config.anchors, backbone.strides, config.backbone.separable, config.rpn_convs)
        box_head = BoxHead(ndim, channels, config.num_classes, config.box_head, backbone.strides, field, eps)
    made = {name: build(config, backbone.strides) for name, build in (HEADS | dict(heads or {})).items()}
    made["semantic"] = _semantic_head(config, backbone)
    present = {name: head for name, head in made.items() if head is not None}
    backbone.image = any(head.sees_image for head in present.values())
    backbone.gives_first = any(head.sees_first for head in present.values())
    for head in present.values():
        head.first = len(backbone.strides) + int(backbone.image)
    model = MaskRCNN(config, backbone, rpn, box_head, present)
    model.to(memory_format=MEMORY_FORMAT[ndim])  # type: ignore[call-overload]
    return model


def _mask_head(config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> Head | None:
    if config.mask_head is None or not config.finds_objects:
        return None
    channels, eps = config.backbone.fpn_channels, config.backbone.norm_eps
    return MaskHead(config.ndim, channels, config.num_classes, config.mask_head, strides, eps)


def _closeup_mask_head(config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> Head | None:
    own = config.closeup_mask_head
    if own is None or not config.finds_objects:
        return None
    return CloseUpMaskHead(config.ndim, _body(config, own.body, GIVEN), own)


def _keypoint_head(config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> Head | None:
    own = config.keypoint_head
    if own is None or not config.finds_objects:
        return None
    if own.closeup is not None:
        return CloseUpHead(config.ndim, _body(config, own.closeup.body), own, len(strides))
    return KeypointHead(config.ndim, config.backbone.fpn_channels, own, strides)


def _surface_head(config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> Head | None:
    own = config.surface_head
    if own is None or not config.finds_objects:
        return None
    if own.closeup is not None:
        return SurfaceHead(own, CloseUpSurface(config, _body(config, own.closeup.body), len(strides)))
    return SurfaceHead(own, SurfaceNetwork(config, strides))


def _semantic_head(config: ModelConfig, backbone: Backbone) -> Head | None:
    own = config.semantic_head
    if own is None:
        return None
    first: Any = backbone.body.first if own.finer else None
    return SemanticHead(config, backbone.strides, first)


def _whole_head(config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> Head | None:
    return None if config.whole_head is None else WholeHead(config, strides)


# In the order in which they look; what is said of every sample comes last. A head that a config has no word of is None.
HEADS: dict[str, HeadBuilder] = {
    "mask": _mask_head,
    "closeup_mask": _closeup_mask_head,
    "keypoint": _keypoint_head,
    "surface": _surface_head,
    "whole": _whole_head,
}


def _body(config: ModelConfig, body: BackboneConfig, further_channels: int = 0) -> Any:
    return BODIES[body.body](config.ndim, config.in_channels + further_channels, body)


def mask_rcnn_resnet50_fpn(num_classes: int = 80, **changes: Any) -> MaskRCNN:
    """Mask R-CNN with ResNet-50 and FPN; ``changes`` replace fields of :class:`ModelConfig`."""
    return build_model(resnet50_fpn_config(num_classes, **changes))


def mask_rcnn_mobilenet_v2_fpn(num_classes: int = 80, **changes: Any) -> MaskRCNN:
    """Mask R-CNN with MobileNetV2 and a slim FPN, the default for a CPU."""
    return build_model(mobilenet_v2_fpn_config(num_classes, **changes))
