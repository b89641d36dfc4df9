"""The heads of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from maskrcnn.config.network import BackboneConfig
from maskrcnn.config.numbers import Channels, Layers, Length, Level, Norm, Part, Samples, Sizes, Some, Weight
from maskrcnn.schema import Between, Entries, OneOf


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
    rescoring: Weight = 0.0  # power of the mean probability inside a mask by which its object's score is multiplied
    sure: Annotated[float, Between(0.01, 1)] = 1.0  # that mean, from which on a score stays as it is


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
class SemanticHeadConfig:
    """Says of every sample of the image which class it is of (Panoptic FPN, Kirillov et al. 2019, section 3)."""

    widths: Annotated[tuple[Channels, ...], Entries(1, 64)] = (128,)  # channels of the sum of all levels and of the
    # convolutions on the two finest grids, then of those on the third grid, the fourth ...; the last holds for the rest
    norm: Norm | None = "group"  # after every convolution: frozen, batch or group; None: none
    separable: bool = False  # 3-wide convolutions as depthwise then pointwise
    dilation: Annotated[int, Between(1, 64)] = 1  # samples between the taps of those convolutions
    finer: Some = 0  # channels of a skip from the body's first resolution, stride 2 as a rule, on whose grid classes
    # are told then; 0: none
    finer_width: Some = 0  # channels on that grid, where each costs most; 0: as many as on the next
    background: bool = True  # a sample may be of no class; False: each is of some class
    deep: bool = False  # every level but the finest tells classes too, for deep supervision


@dataclass(frozen=True)
class WholeHeadConfig:
    """Says what a whole file is, or which number belongs to it, as a sum over its places (multiple instance
    learning)."""

    kind: Annotated[str, OneOf(("classes", "labels", "number"))] = "classes"  # one class a file; any number of them; or
    # a number
    width: Channels = 64  # channels that all levels are brought to
    stride: Annotated[int, Between(1, 512)] = 4  # samples of the network's input from place to place, at least
    mean: Level = 0.0  # of the numbers that training saw
    deviation: Length = 1.0  # of these; the head works in units of it
