"""Architectures by name, as configs. Does not load torch: the command line asks which there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

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


def signal_fpn_config(num_classes: int = 80, **changes: Any) -> ModelConfig:
    """For recordings: a slim ResNet-18 along one axis, features every other sample, windows of 2,048 samples.

    An interval has few bins, so it can be read in many of them; what is costly in an image costs next to nothing here.
    """
    config = ModelConfig(
        ndim=1,
        in_channels=1,
        num_classes=num_classes,
        preprocess=PreprocessConfig((0.0,), (1.0,), 2048, 2048, spacing=(1.0,), standardise=True),
        backbone=BackboneConfig("resnet18", ((1,), (2,), (2,), (2,), (2,)), "group", width=32, fpn_channels=96),
        anchors=AnchorConfig(tuple((s, s * 2**0.5) for s in (12.0, 24.0, 48.0, 96.0, 192.0)), ((1.0,),)),
        selection=SelectionConfig(pre_nms=300, post_nms=200),
        box_head=BoxHeadConfig(PoolConfig(16, aligned=True, canonical_size=256.0), hidden=256),
        mask_head=MaskHeadConfig(PoolConfig(32, aligned=True, canonical_size=256.0), channels=64),
        loss=LossConfig(box_samples=128, train_selection=SelectionConfig(pre_nms=500, post_nms=300)),
    )
    return dataclasses.replace(config, **changes)


def volume_fpn_config(num_classes: int = 80, **changes: Any) -> ModelConfig:
    """For scans: a slim ResNet-18 in three dimensions, features every other voxel, blocks of 64 voxels a side.

    A bin is read at its centre: two samples along each axis would read 64 features instead of 8 for each of hundreds of
    bins a box, for bins that are hardly larger than a feature. Boxes are pooled where they span one to two features a
    bin, as in the paper.
    """
    pool = PoolConfig(7, sampling_ratio=1, aligned=True, canonical_size=112.0)
    cube = tuple((step,) * 3 for step in (1, 2, 2, 2, 2))
    config = ModelConfig(
        ndim=3,
        in_channels=1,
        num_classes=num_classes,
        preprocess=PreprocessConfig((0.0,), (1.0,), 64, 64, size_divisor=4, spacing=(1.0,) * 3, standardise=True),
        backbone=BackboneConfig("resnet18", cube, "group", width=16, fpn_channels=48),
        anchors=AnchorConfig(tuple((s, s * 2**0.5) for s in (8.0, 16.0, 32.0, 64.0, 128.0)), ((1.0,) * 3,)),
        selection=SelectionConfig(pre_nms=300, post_nms=100),
        box_head=BoxHeadConfig(pool, hidden=128),
        mask_head=MaskHeadConfig(dataclasses.replace(pool, output_size=14, canonical_size=224.0), channels=32),
        loss=LossConfig(box_samples=64, train_selection=SelectionConfig(pre_nms=300, post_nms=150)),
    )
    return dataclasses.replace(config, **changes)


VARIANTS: dict[str, Callable[..., ModelConfig]] = {
    "resnet50_fpn": resnet50_fpn_config,
    "resnet101_fpn": resnet101_fpn_config,
    "mobilenet_v2_fpn": mobilenet_v2_fpn_config,
    "signal_fpn": signal_fpn_config,
    "volume_fpn": volume_fpn_config,
}
