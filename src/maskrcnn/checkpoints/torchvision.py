"""torchvision's ``maskrcnn_resnet50_fpn`` under our names: one table, and the knobs that make outputs agree.

torchvision counts background as class 0 in every output layer; our box-delta and mask layers have rows for 1..K only,
so the background's rows, which no prediction reads, are left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from torch import Tensor

from maskrcnn.config import AnchorConfig, BackboneConfig, ModelConfig, PreprocessConfig
from maskrcnn.errors import CheckpointError

# Patterns of torchvision's names (the older files have no inner ".0") and what they are called here.
NAMES = (
    (r"backbone\.body\.conv1\.", "backbone.body.stem.conv."),
    (r"backbone\.body\.bn1\.", "backbone.body.stem.norm."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.conv(\d)\.", "backbone.body.stages.{0-1}.{1}.layers.{2-1}.conv."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.bn(\d)\.", "backbone.body.stages.{0-1}.{1}.layers.{2-1}.norm."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.downsample\.0\.", "backbone.body.stages.{0-1}.{1}.shortcut.conv."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.downsample\.1\.", "backbone.body.stages.{0-1}.{1}.shortcut.norm."),
    (r"backbone\.fpn\.inner_blocks\.(\d)\.(?:0\.)?", "backbone.fpn.lateral.{0}."),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.(?:0\.)?", "backbone.fpn.output.{0}."),
    (r"rpn\.head\.conv\.(?:0\.0\.)?", "rpn.conv."),
    (r"rpn\.head\.cls_logits\.", "rpn.logits."),
    (r"rpn\.head\.bbox_pred\.", "rpn.deltas."),
    (r"roi_heads\.box_head\.fc6\.", "heads.box.fc1."),
    (r"roi_heads\.box_head\.fc7\.", "heads.box.fc2."),
    (r"roi_heads\.box_predictor\.cls_score\.", "heads.box.class_logits."),
    (r"roi_heads\.box_predictor\.bbox_pred\.", "heads.box.box_deltas."),
    (r"roi_heads\.mask_head\.(\d)\.0\.", "heads.mask.convs.{0}."),
    (r"roi_heads\.mask_head\.mask_fcn(\d)\.", "heads.mask.convs.{0-1}."),
    (r"roi_heads\.mask_predictor\.conv5_mask\.", "heads.mask.upsample."),
    (r"roi_heads\.mask_predictor\.mask_fcn_logits\.", "heads.mask.logits."),
)
IGNORED = re.compile(r".*\.num_batches_tracked$")
# How many leading rows of an output layer belong to the background.
BACKGROUND_ROWS = {"heads.box.box_deltas": 4, "heads.mask.logits": 1}


def torchvision_config(num_classes: int = 90, norm_eps: float = 0.0, **changes: object) -> ModelConfig:
    """The settings of ``maskrcnn_resnet50_fpn`` (v1).

    Args:
        num_classes: without background (torchvision's 91 slots are 90 here).
        norm_eps: 0.0 for the published v1 checkpoint, whose loader overwrites it; 1e-5 for one trained elsewhere.
        changes: replace further fields of the config.
    """
    config = ModelConfig(
        num_classes=num_classes,
        preprocess=PreprocessConfig(antialias=False),
        backbone=BackboneConfig("resnet50", norm_eps=norm_eps),
        anchors=AnchorConfig(rounded=True, padded_stride=True),
    )
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]


def our_name(name: str) -> str | None:
    """Our name of one of torchvision's parameters; None for one that has no use here.

    Raises:
        CheckpointError: a name that torchvision's model does not have.
    """
    if IGNORED.fullmatch(name):
        return None
    for pattern, ours in NAMES:
        found = re.match(pattern, name)
        if found:
            return _fill(ours, found.groups()) + name[found.end() :]
    raise CheckpointError(
        f"torchvision's maskrcnn_resnet50_fpn has no parameter {name}: this is another model's checkpoint."
    )


def from_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of torchvision's ``state_dict()`` under our names, without the background's rows."""
    converted = {}
    for name, value in state_dict.items():
        ours = our_name(name)
        if ours is not None:
            converted[ours] = value[BACKGROUND_ROWS.get(ours.rpartition(".")[0], 0) :]
    return converted


def _fill(template: str, groups: tuple[str, ...]) -> str:
    """Put groups into ``{k}``, or ``{k-1}`` for counting from 0."""
    return re.sub(r"\{(\d)(-1)?\}", lambda m: str(int(groups[int(m[1])]) - (1 if m[2] else 0)), template)
