"""A model's classes, heads and limits as the data want them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from maskrcnn.config import KeypointHeadConfig, MaskHeadConfig, ModelConfig
from maskrcnn.errors import DataError
from maskrcnn.modalities.kinds import most_objects
from maskrcnn.modalities.open import Dataset

Say = Callable[[str], None]


def fit_to_data(config: ModelConfig, data: Dataset, say: Say) -> ModelConfig:
    """Number of classes, heads and detection cap as the data want them."""
    if not data.has_masks and config.mask_head is not None:
        say("The data have boxes but no masks: training without a mask head (Faster R-CNN).")
        config = dataclasses.replace(config, mask_head=None)
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
    return dataclasses.replace(config, num_classes=len(data.class_names), detection=detection, selection=selection)


def fit_field(config: ModelConfig, known: Sequence[str], wanted: Sequence[str]) -> ModelConfig:
    """Without the class field if it knows none of the classes: it would propose boxes at random."""
    if set(known) & set(wanted):
        return config
    return dataclasses.replace(config, box_head=dataclasses.replace(config.box_head, field=None))


def fit_keypoints(config: ModelConfig, num_keypoints: int, say: Say) -> ModelConfig:
    """A keypoint head of ``num_keypoints`` points, none for 0; one of that number is kept as it is."""
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
