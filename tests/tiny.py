"""A model of a few thousand weights, photos of a few pixels and data sets of a few images, all made up on the spot."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    DetectionConfig,
    LossConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN

CLASSES = ("disc", "brick")
COLORS = {"disc": (220, 60, 40), "brick": (40, 90, 200)}


def tiny_config(**changes: Any) -> ModelConfig:
    """All the parts of a Mask R-CNN, each as narrow as it goes; ``changes`` replace fields."""
    config = ModelConfig(
        num_classes=len(CLASSES),
        preprocess=PreprocessConfig((127.5,) * 3, (127.5,) * 3, min_size=64, max_size=64),
        backbone=BackboneConfig("mobilenet_v2", fpn_channels=8, separable=True),
        anchors=AnchorConfig(sizes=((8.0,), (16.0,), (32.0,), (48.0,), (64.0,))),
        selection=SelectionConfig(pre_nms=30, post_nms=20),
        detection=DetectionConfig(max_detections=20),
        box_head=BoxHeadConfig(PoolConfig(4, aligned=True, canonical_size=64.0), hidden=16),
        mask_head=MaskHeadConfig(PoolConfig(4, aligned=True, canonical_size=64.0), channels=8, convs=1),
        loss=LossConfig(rpn_samples=32, box_samples=16, train_selection=SelectionConfig(pre_nms=30, post_nms=20)),
    )
    return dataclasses.replace(config, **changes)


def tiny_model(seed: int = 0, **changes: Any) -> MaskRCNN:
    """Random weights, but outputs large enough for scores from 0 to 1 and masks that fill part of their boxes."""
    torch.manual_seed(seed)
    model = build_model(tiny_config(**changes)).eval()
    with torch.no_grad():
        model.heads["box"].class_logits.weight *= 40_000
        model.heads["box"].box_deltas.weight *= 30
        if "mask" in model.heads:
            model.heads["mask"].logits.bias += 0.1
            model.heads["mask"].logits.weight *= model.heads["mask"].logits.in_channels ** 0.5
    return model


def tiny_info(model: MaskRCNN, class_names: tuple[str, ...] = CLASSES) -> ModelInfo:
    """What a checkpoint would say of ``model``."""
    return ModelInfo(model.config, class_names, tuple(range(1, len(class_names) + 1)))


def save_tiny_model(path: Path, class_names: tuple[str, ...] = CLASSES, **changes: Any) -> Path:
    """A model file; ``changes`` replace fields of its config."""
    model = tiny_model(num_classes=len(class_names), **changes)
    save_checkpoint(path, model, tiny_info(model, class_names))
    return path


def noise(height: int = 48, width: int = 64, seed: int = 0, channels: int = 3) -> np.ndarray:
    """Pixels ``[H, W, C]`` of every colour."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def save_photo(path: Path, height: int = 48, width: int = 64, seed: int = 0) -> Path:
    """A picture of noise, in which the tiny model finds plenty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(height, width, seed)).save(path)
    return path


def write_coco(
    folder: Path, count: int = 4, masks: bool = True, classes: tuple[str, ...] = CLASSES, **lists: Any
) -> Path:
    """A COCO data set of ``count`` photos ``0.png``, ``1.png`` ... of 48 x 64 pixels, each with one coloured rectangle.

    Args:
        folder: gets ``images/`` and ``labels.json``.
        masks: with polygons.
        classes: categories 1, 2 ...; image k shows one of category ``k % len(classes) + 1``.
        lists: replace or extend (a name that ends in ``_too``) the lists of the file.
    """
    images, annotations = [], []
    for k in range(count):
        pixels = noise(seed=k) // 4
        x, y, w, h = 8 + 3 * (k % 5), 6 + 4 * (k % 4), 20 + 2 * (k % 3), 18
        category = k % len(classes)
        pixels[y : y + h, x : x + w] = COLORS[CLASSES[category % len(CLASSES)]]
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "height": 48, "width": 64})
        label = {"id": k + 1, "image_id": k, "category_id": category + 1, "bbox": [x, y, w, h], "iscrowd": 0}
        polygon = {"segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]} if masks else {}
        annotations.append(label | polygon)
    categories = [{"id": k, "name": name} for k, name in enumerate(classes, start=1)]
    content: dict[str, Any] = {"images": images, "annotations": annotations, "categories": categories}
    for name, values in lists.items():
        own = name.removesuffix("_too")
        content[own] = content[own] + values if name.endswith("_too") else values
    path = folder / "labels.json"
    path.write_text(json.dumps(content))
    return path
