"""How training compares, and a model as a whole."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Annotated, Any

from maskrcnn.config.heads import (
    BoxHeadConfig,
    CloseUpMaskConfig,
    KeypointHeadConfig,
    MaskHeadConfig,
    SemanticHeadConfig,
    WholeHeadConfig,
)
from maskrcnn.config.network import (
    AnchorConfig,
    BackboneConfig,
    DetectionConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.config.numbers import Channels, Part, Samples, Weight
from maskrcnn.config.surface import SurfaceHeadConfig, SurfaceLossConfig
from maskrcnn.errors import CheckpointError
from maskrcnn.schema import Between, Entries, OneOf, UnknownField, restore


@dataclass(frozen=True)
class SemanticLossConfig:
    """How training compares the class of every sample. Samples that nobody labelled count nowhere."""

    class_weights: Annotated[tuple[Weight, ...], Entries(0, 2**16)] = ()  # of the cross entropy, background first where
    # the head has one; none: 1 each
    dice: Weight = 0.0  # weight of the Dice loss (Milletari et al. 2016) beside the cross entropy; 0: none
    hardest: Annotated[float, Between(1e-3, 1)] = 1.0  # part of an image's samples, those of the highest cross entropy,
    # that count (online hard example mining, Shrivastava et al. 2016)
    deep: Weight = 0.4  # weight of what the coarser levels say, where the head has deep supervision
    stride: Annotated[int, Between(1, 64)] = (
        1  # samples of the network's input along each axis for one that is compared
    )


@dataclass(frozen=True)
class LossConfig:
    """How training compares; nothing here changes a prediction."""

    rpn_positive_iou: Part = 0.7
    rpn_negative_iou: Part = 0.3
    rpn_samples: Samples = 256  # anchors of one image that the loss looks at
    rpn_positive_fraction: Part = 0.5
    box_positive_iou: Part = 0.5
    box_samples: Samples = 512  # proposals of one image that the loss looks at
    box_positive_fraction: Part = 0.25
    rpn_smooth_l1_beta: Weight = 1 / 9  # 0: L1
    box_smooth_l1_beta: Weight = 1 / 9
    box_loss: Annotated[str, OneOf(("smooth_l1", "giou"))] = (
        "smooth_l1"  # of the box head, on deltas; or giou, on the boxes themselves
    )
    giou_weight: Weight = 10.0  # brings that loss, which is at most 2 a box, to the size of the other
    unsearched_objectness: Part = 0.5  # an unlabelled anchor that the RPN is this sure of is no negative in an image
    # where not every class was searched for: it may be one of those
    crowd_coverage: Part = 0.5  # an anchor or proposal this much inside a crowd region is never a negative
    mask_aligned: bool = True  # crop targets with aligned bins (False: torchvision's offset of half a sample)
    mask_binary: bool = False  # round targets to 0 and 1 (detectron2) instead of the covered part of a bin
    keypoint_weight: Weight = 0.25  # at 1 a loss that begins at ln(56 * 56) = 8 would drown those of boxes and masks
    keypoint_samples: Samples | None = (
        None  # proposals of one image that the keypoints' loss looks at; None: all positive
    )
    closeup_samples: Samples | None = 2  # proposals of one image that the loss of close-up masks looks at; None: all
    train_selection: SelectionConfig = SelectionConfig(pre_nms=2000, post_nms=2000)
    semantic: SemanticLossConfig = SemanticLossConfig()
    surface: SurfaceLossConfig = SurfaceLossConfig()
    whole_weights: Annotated[tuple[Weight, ...], Entries(0, 2**16)] = ()  # of each label of whole files; none: 1 each


@dataclass(frozen=True)
class ModelConfig:
    """A whole Mask R-CNN."""

    ndim: Annotated[int, Between(1, 3)] = 2
    in_channels: Channels = 3
    num_classes: Channels = 80  # without background
    preprocess: PreprocessConfig = PreprocessConfig()
    backbone: BackboneConfig = BackboneConfig()
    anchors: AnchorConfig = AnchorConfig()
    selection: SelectionConfig = SelectionConfig()
    detection: DetectionConfig = DetectionConfig()
    box_head: BoxHeadConfig = BoxHeadConfig()
    mask_head: MaskHeadConfig | None = field(default_factory=MaskHeadConfig)  # None: Faster R-CNN
    keypoint_head: KeypointHeadConfig | None = None  # None: objects have no keypoints
    closeup_mask_head: CloseUpMaskConfig | None = None  # refines what the mask head draws; None: nothing does
    loss: LossConfig = LossConfig()
    rpn_convs: Annotated[int, Between(1, 64)] = 1  # 3-wide convolutions of the RPN before its outputs
    semantic_head: SemanticHeadConfig | None = None  # says of every sample which class it is of; None: nothing does
    whole_head: WholeHeadConfig | None = (
        None  # says what a whole file is, and which of its places say so; None: nothing
    )
    # does
    finds_objects: bool = True  # False: no RPN and no box head, heads of whole images alone
    surface_head: SurfaceHeadConfig | None = None  # tells where on a surface each pixel lies; None: nothing does


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain values that json can hold."""
    return dataclasses.asdict(config)


def from_dict(values: dict[str, Any], kind: type = ModelConfig) -> Any:
    """The config that :func:`to_dict` was given; what is absent has its default.

    Raises:
        CheckpointError: a field that ``kind`` does not have, so that a model is never built half as it was trained.
        Misfit: a value of another type, or out of its field's range.
    """
    try:
        return restore(values, kind, "")
    except UnknownField as error:
        raise CheckpointError(
            f"{error}: written by a newer version of maskrcnn, or an older one that still had it?"
        ) from None
