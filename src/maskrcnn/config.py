"""What a model is made of, as frozen records: one sentence a field, and the whole of it goes into every checkpoint.

Tuples of D numbers are in tensor order (..., z, y, x) unless "x first" is said.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Annotated, Any

from maskrcnn.errors import CheckpointError
from maskrcnn.schema import Between, Entries, OneOf, UnknownField, restore

# What the numbers of a checkpoint may be. Upper ends are far from any model that is of use; they keep a damaged or
# hostile header from asking for memory and time without end.
Channels = Annotated[int, Between(1, 2**16)]  # of a layer; also classes, keypoints
Layers = Annotated[int, Between(0, 64)]
Samples = Annotated[int, Between(1, 2**24)]  # along an axis, or in a list of candidates
Some = Annotated[int, Between(0, 2**24)]
Length = Annotated[float, Between(1e-9, 1e9)]
Part = Annotated[float, Between(0, 1)]
Weight = Annotated[float, Between(0, 1e6)]
Level = Annotated[float, Between(-1e9, 1e9)]  # of brightness
Row = Annotated[tuple[Length, ...], Entries(1, 64)]
Sizes = Annotated[tuple[Row, ...], Entries(1, 64)]
Step = Annotated[tuple[Annotated[int, Between(1, 64)], ...], Entries(1, 3)]
Strides = Annotated[tuple[Step, ...], Entries(5, 5)]
ByAxis = Annotated[tuple[Length, ...], Entries(1, 3)]
Body = Annotated[str, OneOf(("resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2", "mobilenet_v3_large"))]
Norm = Annotated[str, OneOf(("frozen", "batch", "group"))]


@dataclass(frozen=True)
class PreprocessConfig:
    """From the file's samples to the network's input."""

    pixel_mean: tuple[Level, ...] = (123.675, 116.28, 103.53)  # subtracted, one a channel, in units of 0..255
    pixel_std: tuple[Length, ...] = (58.395, 57.12, 57.375)  # divided by, one a channel
    min_size: Samples = 800  # the shorter side is resized to this
    max_size: Samples = 1333  # unless the longer side would exceed this
    antialias: bool = False  # widen the kernel when shrinking (detectron2 does, torchvision does not)
    size_divisor: Annotated[int, Between(1, 1024)] = 32  # every padded extent is a multiple of this
    stretch: bool = False  # spread each image's own range of brightness over 0..255 first (microscopy)
    spacing: ByAxis | None = None  # x first: extent (s, mm, bases) of one of the network's own samples; files are
    # resampled to it and cut into windows whose longest side is max_size. None: images are resized as above
    window: Annotated[tuple[Samples, ...], Entries(1, 3)] | None = None  # x first: samples of those windows along each
    # axis; None: max_size
    standardise: bool = False  # take each channel's own mean off and divide by its own deviation, of the whole file
    log_mel: bool = False  # see sound as log-mel bands, one of the network's channels a band, a frame a sample
    sound_rate: Annotated[float, Between(1, 1e7)] | None = (
        None  # samples a second that sound comes to before log_mel; None: as the file has it
    )
    each_channel: bool = False  # the network sees one channel at a time (the leads of an ECG), and what it finds in all
    # of them is made one
    mirror_channels: tuple[Some, ...] | None = None  # the channel that each becomes in a mirror image: of the other
    # strand of DNA A is T. None: itself


@dataclass(frozen=True)
class BackboneConfig:
    """Body and feature pyramid."""

    body: Body = "resnet50"  # resnet18, resnet34, resnet50, resnet101, mobilenet_v2 or mobilenet_v3_large
    reductions: Strides | None = None  # strides of the body's five reductions, each a D-tuple; None: 2 everywhere
    norm: Norm = "frozen"  # frozen, batch or group
    norm_eps: Part = 1e-5  # under the root of a norm; 0.0 for some published torchvision checkpoints
    width: Channels = 64  # channels of a ResNet's stem, doubled stage by stage
    multiplier: Annotated[float, Between(0.01, 64)] = 1.0  # of all channels of a MobileNetV2 but the last, 1280
    outputs: Annotated[tuple[Layers, ...], Entries(1, 64)] | None = (
        None  # blocks of a MobileNetV2 whose outputs the pyramid stands on, the last
    )
    # after its 1280 channels; None: the last of each resolution
    stride_in_1x1: bool = False  # detectron2's (Caffe's) ResNet puts a block's stride into its first convolution
    same_padding: bool = False  # TensorFlow's padding: what is odd goes to the high end
    fpn_channels: Channels = 256  # of every pyramid level
    separable: bool = False  # 3-wide convolutions of pyramid and RPN as depthwise then pointwise
    fpn_norm: Norm | None = None  # after every convolution of the pyramid: frozen, batch or group; None: none

    def finest_stride(self) -> int:
        """Of the body's first output, along the axis where it is largest."""
        return 4 if self.reductions is None else max(a * b for a, b in zip(*self.reductions[:2]))


@dataclass(frozen=True)
class AnchorConfig:
    """The boxes from which the RPN starts."""

    sizes: Sizes = ((32.0,), (64.0,), (128.0,), (256.0,), (512.0,))  # geometric mean lengths, one tuple a level
    shapes: Sizes = ((2**0.5, 0.5**0.5), (1.0, 1.0), (0.5**0.5, 2**0.5))  # x-first factors of product 1
    rounded: bool = False  # half lengths in whole samples, as torchvision has them
    padded_stride: bool = False  # stride is padded image // grid (torchvision) instead of the nominal one


@dataclass(frozen=True)
class SelectionConfig:
    """From the RPN's anchors to proposals."""

    pre_nms: Samples = 1000  # best anchors of each level that are decoded
    post_nms: Samples = 1000  # best of them over all levels, after suppression within each level
    nms_threshold: Part = 0.7
    min_box_size: Weight = 1e-3  # 0: any box that is not empty
    score_threshold: Part = 0.0  # objectness (0..1) below which an anchor is no proposal


@dataclass(frozen=True)
class DetectionConfig:
    """From the second stage's boxes to detections."""

    score_threshold: Part = 0.05
    nms_threshold: Part = 0.5
    max_detections: Samples = 100  # of one image
    min_box_size: Weight = 1e-2  # 0: any box that is not empty


@dataclass(frozen=True)
class PoolConfig:
    """RoIAlign, and which level a box is pooled from."""

    output_size: Samples = 7  # bins along every axis
    sampling_ratio: Annotated[int, Between(0, 64)] = 2  # samples a bin along every axis; 0: adaptive
    aligned: bool = False  # sample k's value lies at k + 0.5
    canonical_size: Length = 224.0  # a box of this volume^(1/D) is pooled at the level of stride 16
    epsilon_inside: bool = False  # detectron2's form of the level rule


@dataclass(frozen=True)
class ClassFieldConfig:
    """What a one-stage detector over the body says of every class at its anchors, read at any box. Defaults: SSDLite
    MobileNetV2's, for images; what differs by level has one entry a level."""

    expanded: Channels = 576  # channels that the body's last output but one is expanded to, for the first level
    extras: Annotated[tuple[tuple[Channels, Channels], ...], Entries(0, 64)] = (
        (256, 512),
        (128, 256),
        (128, 256),
    )  # squeezed and final channels of the
    # levels beyond the body's last, each half as fine as the one before
    cells: Annotated[tuple[Sizes, ...], Entries(0, 64)] = ()  # lengths of the anchors at each position, x first
    first: Annotated[
        tuple[Weight, ...], Entries(0, 64)
    ] = ()  # where along each axis the first position's centre lies, in samples
    rescaled: Annotated[float, Between(0.01, 16)] | None = (
        None  # also look at the image at this times its size, for what is larger (or smaller) than
    )
    # the anchors; None: at its own size alone
    handover: Length | None = None  # of the image at its own size boxes up to this length (their geometric mean) count,
    # larger ones are left to the smaller image; None: all count. Needs proposals and rescaled
    proposals: Some = 0  # boxes of its own that join those of the RPN; 0: none, it knows classes alone
    nearest: Samples = 8  # anchors (or, where it has boxes, boxes) that a box is read from
    sharpness: Weight = 8.0  # their weights: softmax of this times their IoU with the box


@dataclass(frozen=True)
class BoxHeadConfig:
    """Classifies and refines proposals."""

    pool: PoolConfig = PoolConfig()
    hidden: Channels = 1024  # width of the linear layers
    class_agnostic: bool = False  # one box for all classes instead of one a class
    field: ClassFieldConfig | None = None  # adds its logits to the head's own; None: none
    convs: Layers = 0  # 3-wide convolutions, as wide as the pyramid, before the linear layers
    norm: Norm | None = None  # after those convolutions: frozen, batch or group; None: none
    linears: Annotated[int, Between(1, 2)] = 2  # how many linear layers, 1 or 2
    unused: Some = 0  # logits of classes without a name (empty slots of COCO's numbering): they count as background


@dataclass(frozen=True)
class MaskHeadConfig:
    """Colours each box with a binary mask."""

    pool: PoolConfig = PoolConfig(output_size=14)
    channels: Channels = 256
    convs: Layers = 4  # 3-wide convolutions before the upsampling by 2
    class_agnostic: bool = False  # one mask for all classes instead of one a class
    norm: Norm | None = None  # after those convolutions: frozen, batch or group; None: none


@dataclass(frozen=True)
class CloseUpConfig:
    """A network of its own that sees each object enlarged, cut out of the image. Defaults: MoveNet Lightning's."""

    body: BackboneConfig = BackboneConfig("mobilenet_v2", same_padding=True, outputs=(2, 5, 9, 16))  # no pyramid
    size: Annotated[int, Between(1, 2**14)] = 192  # samples along every axis of what it sees
    margin: Annotated[float, Between(0.01, 100)] = (
        1.08  # side of the region that it sees, in longest sides of the object's box
    )
    laterals: Annotated[tuple[Channels, ...], Entries(1, 64)] = (
        64,
        64,
        32,
        24,
    )  # channels that the body's outputs are brought to, coarsest first
    merged: Annotated[tuple[Channels, ...], Entries(0, 64)] = (
        32,
        24,
        24,
    )  # channels after each lateral but the coarsest was added
    hidden: Channels = 96  # channels from which the heatmaps are made


@dataclass(frozen=True)
class CloseUpMaskConfig:
    """A network of its own that segments a region round each object, cut out of the image at one size."""

    body: BackboneConfig = BackboneConfig("mobilenet_v2", same_padding=True, outputs=(0, 2, 5, 12, 16))  # no pyramid
    size: Annotated[int, Between(1, 2**14)] = 160  # samples along every axis of what it sees
    margin: Annotated[float, Between(0.01, 100)] = 1.25  # sides of that region, in sides of the object's box
    narrowest: Part = 0.5  # its shortest side, in longest ones: a lamp post is not stretched to a square
    widths: Annotated[tuple[Channels, ...], Entries(1, 64)] = (96, 64, 48, 32, 24)  # channels of the decoder at each
    # of the body's outputs, coarsest first
    smallest: Weight = 0.0  # objects of fewer samples a side (geometric mean, in the network's input) keep the
    # ordinary mask


@dataclass(frozen=True)
class KeypointHeadConfig:
    """Finds the points of each object, each in a heatmap of four bins for one of the pool's."""

    pool: PoolConfig = PoolConfig(output_size=14)
    channels: Channels = 128
    convs: Layers = 4  # 3-wide convolutions before the upsampling
    num_keypoints: Channels = 17  # of one object
    upsampled_logits: bool = False  # the upsampling, 4 wide, gives the heatmaps itself (torchvision, detectron2)
    decoding: Annotated[str, OneOf(("mean", "highest"))] = (
        "mean"  # of the bins near a heatmap's peak; highest: the peak of the heatmap enlarged to its box
    )
    closeup: CloseUpConfig | None = None  # looks for them in the place of pool and convolutions; None: none


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
