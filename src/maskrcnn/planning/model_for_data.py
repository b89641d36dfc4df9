"""The model that a training starts from: its classes, heads, grid and limits follow from the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from maskrcnn.checkpoints.lookup import Say, load_model
from maskrcnn.checkpoints.transfer import load_body, transfer
from maskrcnn.checks import few
from maskrcnn.config import KeypointHeadConfig, MaskHeadConfig, ModelConfig, SemanticHeadConfig
from maskrcnn.data.class_maps.shares import count_classes, frequency_weights
from maskrcnn.data.class_maps.tasks import SEMANTIC, WHOLE
from maskrcnn.data.dataset import Dataset, RecordSource
from maskrcnn.errors import DataError
from maskrcnn.modalities.kinds import check_kind, fit_to_kind, most_objects
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.adaptation import adapt
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.starting.telling_places import begin_with_places
from maskrcnn.planning.starting.whole_files import fit_whole, seed_filters, slim, weigh_labels

FINER_WIDTH = 32  # channels of a new branch at the body's first resolution, for fewer classes than that


def fit_to_data(config: ModelConfig, data: Dataset, say: Say) -> ModelConfig:
    """Fit a model's number of classes, its heads and its detection cap to the data.

    Args:
        config: of the model to start from.
        data: to train on.
        say: is told which heads come or go.

    Returns:
        The configuration to train.
    """
    if data.task == SEMANTIC:
        return fit_semantic(config, data)
    if data.task == WHOLE:
        return fit_whole(config, data)
    if not data.has_masks and config.mask_head is not None:
        say("The data have boxes but no masks: training without a mask head (Faster R-CNN).")
        config = dataclasses.replace(config, mask_head=None, closeup_mask_head=None)
    if data.has_masks and config.mask_head is None:
        say("The data have masks and the model has no mask head: it gets a new one.")
        width = config.backbone.fpn_channels
        pool = dataclasses.replace(config.box_head.pool, output_size=MaskHeadConfig().pool.output_size)
        config = dataclasses.replace(config, mask_head=MaskHeadConfig(pool, channels=width))
    config = fit_keypoints(config, len(data.keypoint_names) if has_keypoints(data) else 0, say)
    # Half as many again as in the densest image: the cap must never be what ends a list of true objects.
    cap = max(config.detection.max_detections, 100, int(1.5 * most_objects(config, data)))
    detection = dataclasses.replace(config.detection, max_detections=cap)
    selection = dataclasses.replace(config.selection, post_nms=max(config.selection.post_nms, 2 * cap))
    if len(data.class_names) != config.num_classes:  # other classes: what was left free among COCO's means nothing
        config = dataclasses.replace(config, box_head=dataclasses.replace(config.box_head, unused=0))
    config = dataclasses.replace(
        config, num_classes=len(data.class_names), detection=detection, selection=selection, finds_objects=True
    )
    surface = config.surface_head if config.surface_head and any(map(_labels_a_surface, data.sources)) else None
    semantic = semantic_head(config, data) if data.has_class_maps else None
    return dataclasses.replace(config, semantic_head=semantic, whole_head=None, surface_head=surface)


def fit_semantic(config: ModelConfig, data: Dataset) -> ModelConfig:
    """Make of a model one that tells the class of every sample and looks for no objects.

    Args:
        config: of the model to start from.
        data: to train on, with class maps.

    Returns:
        The configuration to train.
    """
    return dataclasses.replace(
        config,
        num_classes=len(data.class_names),
        box_head=dataclasses.replace(config.box_head, field=None),
        semantic_head=semantic_head(config, data),
        whole_head=None,
        mask_head=None,
        keypoint_head=None,
        closeup_mask_head=None,
        surface_head=None,
        finds_objects=False,
    )


def _labels_a_surface(source: RecordSource) -> bool:
    """Whether a file has points on the surfaces of its objects; one that cannot be read has none."""
    try:
        return source.record().surface is not None
    except DataError:
        return False


def semantic_head(config: ModelConfig, data: Dataset) -> SemanticHeadConfig:
    """The branch that tells the classes of ``data``: the model's own, or one like its pyramid."""
    backbone = config.backbone
    narrow = FINER_WIDTH if len(data.class_names) < FINER_WIDTH < backbone.fpn_channels else 0
    new = SemanticHeadConfig((backbone.fpn_channels,), separable=backbone.separable, finer_width=narrow)
    own = config.semantic_head or new
    return dataclasses.replace(own, background=data.background)


def weigh_classes(config: ModelConfig, data: Dataset, recipe: Recipe) -> ModelConfig:
    """Weigh the classes of every sample by how many samples are of each, where the recipe says so.

    Args:
        config: of the model.
        data: to train on.
        recipe: of the training.

    Returns:
        The configuration to train.
    """
    if data.task == WHOLE:
        return weigh_labels(config, data, recipe.class_weights == "frequency")
    weights: tuple[float, ...] = ()
    if config.semantic_head is not None and recipe.class_weights == "frequency":
        counts = count_classes(data)[:-1].tolist()
        weights = frequency_weights(counts if config.semantic_head.background else counts[1:])
    semantic = dataclasses.replace(config.loss.semantic, class_weights=weights)
    return dataclasses.replace(config, loss=dataclasses.replace(config.loss, semantic=semantic))


def fit_field(config: ModelConfig, known: Sequence[str], wanted: Sequence[str]) -> ModelConfig:
    """Drop the class field where it knows none of the classes: it would propose boxes at random.

    Args:
        config: of the model to start from.
        known: its classes.
        wanted: those of the data.

    Returns:
        The configuration, unchanged where a class is known.
    """
    if set(known) & set(wanted):
        return config
    return dataclasses.replace(config, box_head=dataclasses.replace(config.box_head, field=None))


def fit_keypoints(config: ModelConfig, num_keypoints: int, say: Say) -> ModelConfig:
    """Fit the keypoint head to the number of labelled points.

    Args:
        config: of the model to start from.
        num_keypoints: of each object; 0: no head.
        say: is told whether the head is new, changed or gone.

    Returns:
        The configuration; a head of that number of points is kept as it is.
    """
    head = config.keypoint_head
    if num_keypoints == 0:
        if head is not None:
            say("No keypoints are labelled in the data: training without a keypoint head.")
        return dataclasses.replace(config, keypoint_head=None)
    if head is None:
        say(f"The data have {num_keypoints} keypoints an object: the model gets a new head for them.")
        pool = dataclasses.replace(config.box_head.pool, output_size=KeypointHeadConfig().pool.output_size)
        head = KeypointHeadConfig(pool)
    elif head.num_keypoints != num_keypoints:
        say(f"The model has {head.num_keypoints} keypoints and the data have {num_keypoints}: their heatmaps are new.")
    return dataclasses.replace(config, keypoint_head=dataclasses.replace(head, num_keypoints=num_keypoints))


def has_keypoints(data: Dataset) -> bool:
    """Whether at least one keypoint is labelled. What cannot be read has none here, and is named where it is used."""
    if not data.keypoint_names:
        return False
    for index in range(len(data)):
        try:
            keypoints = data[index].keypoints
        except DataError:
            continue
        if keypoints is not None and (keypoints[..., -1] > 0).any():
            return True
    return False


def start_model(
    data: Dataset, model: str, body_weights: Path | None, recipe: Recipe, say: Say
) -> tuple[MaskRCNN, ModelInfo]:
    """Build the model that a training begins with, fitted to the classes and the kind of the data.

    Args:
        data: to train on.
        model: a shipped model or a file, whose weights are kept where they fit, or one of
            :data:`maskrcnn.models.variants.VARIANTS` with random weights.
        body_weights: a safetensors file to start the backbone's body from.
        recipe: settings of the training, some of which change the model.
        say: is told what the model begins with.

    Returns:
        The model, and what a checkpoint says of it.

    Raises:
        UsageError: there is no such model, or it is for another kind of files.
        CheckpointError: its file is damaged.
    """
    if model in VARIANTS:
        variant = VARIANTS[model](len(data.class_names))
        config = fit_to_kind(slim(variant) if data.task == WHOLE else variant, data, recipe.spacing)
        config = adapt(fit_to_data(config, data, say), recipe)
        network = build_model(weigh_classes(config, data, recipe))
        beginning = [f"Starting from random weights of {model}"]
        if data.task == WHOLE and (words := seed_filters(network, data)):
            beginning.append(f"its first filters begin with what tells the labels apart: {few(words)}")
    else:
        source, source_info = load_model(model, say)
        config = fit_to_kind(source_info.config, data, recipe.spacing, fresh=False)
        check_kind(source_info, model, data)
        config = fit_field(config, source_info.class_names, data.class_names)
        config = adapt(fit_to_data(config, data, say), recipe)
        network = build_model(weigh_classes(config, data, recipe))
        kept = transfer(source, source_info.class_names, network, data.class_names)
        new = [name for name in data.class_names if name not in source_info.class_names]
        beginning = [f"Starting from {model}"]
        beginning += [f"new classes: {few(new)}"] if new else []
        beginning += [f"{len(kept)} tensors of other shapes begin with random weights"] if kept else []
        if data.task == WHOLE and source_info.config.whole_head is None:
            aucs = begin_with_places(network, ModelInfo(network.config, data.class_names), data)
            telling = f"places that tell the labels apart among these files (AUC {few([f'{a:.2f}' for a in aucs])})"
            beginning += [f"the head begins with {telling}"] if aucs else []
    if body_weights is not None:
        beginning += [f"{load_body(network, body_weights)} tensors of the body come from {body_weights}"]
    say("; ".join(beginning) + ".")
    info = ModelInfo(network.config, data.class_names, data.category_ids)
    if network.config.keypoint_head is not None:
        info = dataclasses.replace(info, keypoint_names=data.keypoint_names, skeleton=data.skeleton)
    return network, info
