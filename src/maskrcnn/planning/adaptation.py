"""What the settings of a training change about the model itself."""

from __future__ import annotations

import dataclasses

from maskrcnn.config import (
    BackboneConfig,
    DetectionConfig,
    ModelConfig,
    PreprocessConfig,
    SelectionConfig,
    SemanticHeadConfig,
    SemanticLossConfig,
    WholeHeadConfig,
)
from maskrcnn.errors import UsageError
from maskrcnn.ops import anisotropy
from maskrcnn.planning.recipe import STRIDES, Recipe


def adapt(config: ModelConfig, recipe: Recipe) -> ModelConfig:
    """The config with what of it the settings of a training change."""
    preprocess, loss, anchors = config.preprocess, config.loss, config.anchors
    if recipe.image_size is not None:
        preprocess = resized(preprocess, recipe.image_size)
    if preprocess.spacing is not None:
        preprocess = _windowed(preprocess, recipe)
    preprocess = dataclasses.replace(preprocess, stretch=preprocess.stretch or recipe.stretch)
    if recipe.proposals is not None:
        loss = dataclasses.replace(loss, box_samples=recipe.proposals)
    if recipe.smallest_anchor is not None:
        ratios = [size / anchors.sizes[0][0] for size in anchors.sizes[0]]
        levels = range(len(anchors.sizes))
        sizes = tuple(tuple(recipe.smallest_anchor * 2.0**k * ratio for ratio in ratios) for k in levels)
        anchors = dataclasses.replace(anchors, sizes=sizes)
    if recipe.anchor_ratio is not None and config.ndim == len(elongated(recipe.anchor_ratio)[0]):
        anchors = dataclasses.replace(anchors, shapes=elongated(recipe.anchor_ratio))
    box_head, mask_head = config.box_head, config.mask_head
    if recipe.mask_size is not None and mask_head is not None:
        mask_head = dataclasses.replace(
            mask_head, pool=dataclasses.replace(mask_head.pool, output_size=recipe.mask_size)
        )
    if recipe.agnostic_boxes:
        box_head = dataclasses.replace(box_head, class_agnostic=True)
    if recipe.agnostic_masks and mask_head is not None:
        mask_head = dataclasses.replace(mask_head, class_agnostic=True)
    return dataclasses.replace(
        config,
        backbone=_backbone(config, recipe),
        detection=_detection(config, recipe),
        selection=_selection(config, recipe),
        preprocess=preprocess,
        anchors=anchors,
        box_head=box_head,
        mask_head=mask_head,
        closeup_mask_head=None if recipe.sharp == "off" else config.closeup_mask_head,
        loss=dataclasses.replace(loss, box_loss=recipe.box_loss, semantic=_semantic_loss(config, recipe)),
        semantic_head=_semantic_head(config, recipe),
        whole_head=_whole_head(config, recipe),
    )


def _backbone(config: ModelConfig, recipe: Recipe) -> BackboneConfig:
    if recipe.finest_stride is None or recipe.finest_stride == config.backbone.finest_stride():
        return config.backbone
    spacing = config.preprocess.spacing or (1.0,) * config.ndim
    reductions = anisotropy.reductions((*STRIDES[recipe.finest_stride], 2, 2, 2), spacing)
    return dataclasses.replace(config.backbone, reductions=reductions)


def _windowed(preprocess: PreprocessConfig, recipe: Recipe) -> PreprocessConfig:
    """What a model with a grid sees at once."""
    spacing = preprocess.spacing or ()
    if recipe.window and len(recipe.window) != len(spacing):
        raise UsageError(f"--window needs a number of samples for each of the {len(spacing)} axes, x first.")
    if recipe.window:
        return dataclasses.replace(resized(preprocess, max(recipe.window)), window=tuple(recipe.window))
    if recipe.crop_size is None:
        return preprocess
    window = anisotropy.window(recipe.crop_size, spacing)
    return dataclasses.replace(resized(preprocess, recipe.crop_size), window=window)


def _detection(config: ModelConfig, recipe: Recipe) -> DetectionConfig:
    cap = recipe.max_detections or config.detection.max_detections
    return dataclasses.replace(config.detection, max_detections=cap)


def _selection(config: ModelConfig, recipe: Recipe) -> SelectionConfig:
    """At least two proposals for each object that may be found."""
    most = max(config.selection.post_nms, 2 * (recipe.max_detections or 0))
    return dataclasses.replace(config.selection, post_nms=most)


def _semantic_head(config: ModelConfig, recipe: Recipe) -> SemanticHeadConfig | None:
    own = config.semantic_head
    if own is None:
        return None
    widths = own.widths if recipe.semantic_width is None else (recipe.semantic_width,)
    return dataclasses.replace(
        own, widths=widths, norm=recipe.semantic_norm or own.norm, finer=recipe.finer or own.finer
    )


def _whole_head(config: ModelConfig, recipe: Recipe) -> WholeHeadConfig | None:
    own = config.whole_head
    if own is None:
        return None
    return dataclasses.replace(own, stride=recipe.places or own.stride, width=recipe.whole_width or own.width)


def _semantic_loss(config: ModelConfig, recipe: Recipe) -> SemanticLossConfig:
    return dataclasses.replace(config.loss.semantic, dice=recipe.dice, hardest=recipe.hardest)


def resized(preprocess: PreprocessConfig, image_size: int) -> PreprocessConfig:
    """The longer side of images becomes ``image_size``."""
    return dataclasses.replace(preprocess, min_size=image_size, max_size=image_size)


def elongated(ratio: float) -> tuple[tuple[float, float], ...]:
    """Anchor shapes (x first): lying, square and standing, the first and last ``ratio`` times as long as wide."""
    return ((ratio**0.5, ratio**-0.5), (1.0, 1.0), (ratio**-0.5, ratio**0.5))
