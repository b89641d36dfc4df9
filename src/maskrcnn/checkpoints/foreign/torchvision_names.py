"""What torchvision calls the parts of its R-CNN detectors, and what they are called here."""

from __future__ import annotations

from maskrcnn.models.backbones.mobilenet_v3 import BLOCKS

# Patterns of torchvision's names (the older files have no inner ".0") and what they are called here.
RESNET = (
    (r"backbone\.body\.conv1\.", "backbone.body.stem.conv."),
    (r"backbone\.body\.bn1\.", "backbone.body.stem.norm."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.conv(\d)\.", "backbone.body.stages.{0-1}.{1}.layers.{2-1}.conv."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.bn(\d)\.", "backbone.body.stages.{0-1}.{1}.layers.{2-1}.norm."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.downsample\.0\.", "backbone.body.stages.{0-1}.{1}.shortcut.conv."),
    (r"backbone\.body\.layer(\d)\.(\d+)\.downsample\.1\.", "backbone.body.stages.{0-1}.{1}.shortcut.norm."),
)
# MobileNetV3: the stem, the last convolution, the first block, which does not expand, and the others, some of which
# squeeze between filtering and projecting.
SQUEEZING = "|".join(str(k) for k, block in enumerate(BLOCKS, 1) if block[3])
MOBILE = (
    (r"backbone\.body\.0\.0\.", "backbone.body.stem.conv."),
    (r"backbone\.body\.0\.1\.", "backbone.body.stem.norm."),
    (r"backbone\.body\.16\.0\.", "backbone.body.last.conv."),
    (r"backbone\.body\.16\.1\.", "backbone.body.last.norm."),
    (r"backbone\.body\.1\.block\.0\.0\.", "backbone.body.blocks.0.depthwise.conv."),
    (r"backbone\.body\.1\.block\.0\.1\.", "backbone.body.blocks.0.depthwise.norm."),
    (r"backbone\.body\.1\.block\.1\.0\.", "backbone.body.blocks.0.project.conv."),
    (r"backbone\.body\.1\.block\.1\.1\.", "backbone.body.blocks.0.project.norm."),
    (r"backbone\.body\.(\d+)\.block\.0\.0\.", "backbone.body.blocks.{0-1}.expand.conv."),
    (r"backbone\.body\.(\d+)\.block\.0\.1\.", "backbone.body.blocks.{0-1}.expand.norm."),
    (r"backbone\.body\.(\d+)\.block\.1\.0\.", "backbone.body.blocks.{0-1}.depthwise.conv."),
    (r"backbone\.body\.(\d+)\.block\.1\.1\.", "backbone.body.blocks.{0-1}.depthwise.norm."),
    (r"backbone\.body\.(\d+)\.block\.2\.fc1\.", "backbone.body.blocks.{0-1}.squeeze.down."),
    (r"backbone\.body\.(\d+)\.block\.2\.fc2\.", "backbone.body.blocks.{0-1}.squeeze.up."),
    (rf"backbone\.body\.({SQUEEZING})\.block\.3\.0\.", "backbone.body.blocks.{0-1}.project.conv."),
    (rf"backbone\.body\.({SQUEEZING})\.block\.3\.1\.", "backbone.body.blocks.{0-1}.project.norm."),
    (r"backbone\.body\.(\d+)\.block\.2\.0\.", "backbone.body.blocks.{0-1}.project.conv."),
    (r"backbone\.body\.(\d+)\.block\.2\.1\.", "backbone.body.blocks.{0-1}.project.norm."),
)
NAMES = (
    (r"backbone\.fpn\.inner_blocks\.(\d)\.(?:0\.)?", "backbone.fpn.lateral.{0}."),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.(?:0\.)?", "backbone.fpn.output.{0}."),
    (r"rpn\.head\.conv\.1\.0\.", "rpn.further.0."),
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
    *((rf"roi_heads\.keypoint_head\.{2 * k}\.", f"heads.keypoint.convs.{k}.") for k in range(8)),  # ReLUs between
    (r"roi_heads\.keypoint_predictor\.kps_score_lowres\.", "heads.keypoint.logits."),
)
# Where the pyramid and the heads have norms (v2), these come first.
NORMED = (
    (r"backbone\.fpn\.inner_blocks\.(\d)\.0\.", "backbone.fpn.lateral.{0}.conv."),
    (r"backbone\.fpn\.inner_blocks\.(\d)\.1\.", "backbone.fpn.lateral.{0}.norm."),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.0\.", "backbone.fpn.output.{0}.conv."),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.1\.", "backbone.fpn.output.{0}.norm."),
    (r"roi_heads\.box_head\.5\.", "heads.box.fc1."),
    (r"roi_heads\.box_head\.(\d)\.0\.", "heads.box.convs.{0}.conv."),
    (r"roi_heads\.box_head\.(\d)\.1\.", "heads.box.convs.{0}.norm."),
    (r"roi_heads\.mask_head\.(\d)\.0\.", "heads.mask.convs.{0}.conv."),
    (r"roi_heads\.mask_head\.(\d)\.1\.", "heads.mask.convs.{0}.norm."),
)
IGNORED = r".*\.num_batches_tracked"
# How many leading rows of an output layer belong to the background.
BACKGROUND_ROWS = {"heads.box.box_deltas": 4, "heads.mask.logits": 1}
