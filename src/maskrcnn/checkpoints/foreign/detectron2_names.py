"""What detectron2 calls the parts of its R-CNN detectors, and what they are called here."""

from __future__ import annotations

from maskrcnn.checkpoints.foreign.name_mapping import NameTable


def _of_level(level: int) -> tuple[tuple[str, str], ...]:
    """The body's stage and the pyramid's convolutions of stride 2^level, which are number level - 2 here."""
    theirs, ours = rf"backbone\.bottom_up\.res{level}\.(\d+)\.", f"backbone.body.stages.{level - 2}.{{0}}."
    return (
        (rf"{theirs}conv(\d)\.norm\.", f"{ours}layers.{{1-1}}.norm."),
        (rf"{theirs}conv(\d)\.", f"{ours}layers.{{1-1}}.conv."),
        (rf"{theirs}shortcut\.norm\.", f"{ours}shortcut.norm."),
        (rf"{theirs}shortcut\.", f"{ours}shortcut.conv."),
        (rf"backbone\.fpn_lateral{level}\.", f"backbone.fpn.lateral.{level - 2}."),
        (rf"backbone\.fpn_output{level}\.", f"backbone.fpn.output.{level - 2}."),
    )


TABLE = NameTable(
    source="detectron2",
    names=(
        (r"backbone\.bottom_up\.stem\.conv1\.norm\.", "backbone.body.stem.norm."),
        (r"backbone\.bottom_up\.stem\.conv1\.", "backbone.body.stem.conv."),
        *(pair for level in (2, 3, 4, 5) for pair in _of_level(level)),
        (r"proposal_generator\.rpn_head\.conv\.", "rpn.conv."),
        (r"proposal_generator\.rpn_head\.objectness_logits\.", "rpn.logits."),
        (r"proposal_generator\.rpn_head\.anchor_deltas\.", "rpn.deltas."),
        (r"roi_heads\.box_head\.fc1\.", "heads.box.fc1."),
        (r"roi_heads\.box_head\.fc2\.", "heads.box.fc2."),
        (r"roi_heads\.box_predictor\.cls_score\.", "heads.box.class_logits."),
        (r"roi_heads\.box_predictor\.bbox_pred\.", "heads.box.box_deltas."),
        (r"roi_heads\.mask_head\.mask_fcn(\d+)\.", "heads.mask.convs.{0-1}."),
        (r"roi_heads\.mask_head\.deconv\.", "heads.mask.upsample."),
        (r"roi_heads\.mask_head\.predictor\.", "heads.mask.logits."),
        (r"roi_heads\.keypoint_head\.conv_fcn(\d+)\.", "heads.keypoint.convs.{0-1}."),
        (r"roi_heads\.keypoint_head\.score_lowres\.", "heads.keypoint.logits."),
    ),
    ignored=r"pixel_mean|pixel_std|.*\.cell_anchors\.\d+|.*\.num_batches_tracked",
    transforms={
        "backbone.body.stem.conv.weight": lambda weight: weight.flip(1),  # BGR to RGB
        "heads.box.class_logits.weight": lambda weight: weight.roll(1, 0),  # background from last to first
        "heads.box.class_logits.bias": lambda bias: bias.roll(1, 0),
    },
)
