"""What a model sees, and the parts of it before its heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from maskrcnn.config.numbers import (
    Body,
    ByAxis,
    Channels,
    Layers,
    Length,
    Level,
    Norm,
    Part,
    Samples,
    Sizes,
    Some,
    Strides,
    Weight,
)
from maskrcnn.schema import Between, Entries


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
