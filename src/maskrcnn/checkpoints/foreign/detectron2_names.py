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


def _surface_names() -> tuple[tuple[str, str], ...]:
    """Of DensePose's head. Where its convolutions have norms, :data:`NORMED` is asked first."""
    ours = "heads.surface.network"
    climbs = ((level, k) for level in (2, 3, 4, 5) for k in range(max(1, level - 2)))  # upsampling steps between
    pyramid = r"roi_heads\.densepose_head\.ASPP\."
    predictor = r"roi_heads\.densepose_predictor\."
    outputs = {"ann_index": "coarse", "index_uv": "parts", "u": "u", "v": "v"}
    return (
        *((rf"roi_heads\.decoder\.p{p}\.{2 * k}\.", f"{ours}.decoder.climbs.{p - 2}.{k}.") for p, k in climbs),
        (r"roi_heads\.decoder\.predictor\.", f"{ours}.decoder.output."),
        (rf"{pyramid}convs\.4\.1\.", f"{ours}.atrous.convs.4."),  # after the mean over all bins
        (rf"{pyramid}convs\.4\.2\.", f"{ours}.atrous.norms.4."),
        (rf"{pyramid}convs\.(\d)\.0\.", f"{ours}.atrous.convs.{{0}}."),
        (rf"{pyramid}convs\.(\d)\.1\.", f"{ours}.atrous.norms.{{0}}."),
        (rf"{pyramid}project\.0\.", f"{ours}.atrous.output."),
        (r"roi_heads\.densepose_head\.body_conv_fcn(\d+)\.", f"{ours}.convs.{{0-1}}."),
        *((rf"{predictor}{name}_lowres\.", f"{ours}.outputs.{own}.") for name, own in outputs.items()),
    )


# DensePose's convolutions with norms, before the names above.
NORMED = (
    (r"roi_heads\.densepose_head\.body_conv_fcn(\d+)\.norm\.", "heads.surface.network.convs.{0-1}.norm."),
    (r"roi_heads\.densepose_head\.body_conv_fcn(\d+)\.", "heads.surface.network.convs.{0-1}.conv."),
)
# How sure DensePose is of u and v, and of parts: nothing here asks.
CONFIDENCE = r"roi_heads\.densepose_predictor\.(sigma_2|kappa_[uv]|(fine|coarse)_segm_confidence)_lowres\.(weight|bias)"

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
        *_surface_names(),
    ),
    ignored=rf"pixel_mean|pixel_std|.*\.cell_anchors\.\d+|.*\.num_batches_tracked|{CONFIDENCE}",
    transforms={
        "backbone.body.stem.conv.weight": lambda weight: weight.flip(1),  # BGR to RGB
        "heads.box.class_logits.weight": lambda weight: weight.roll(1, 0),  # background from last to first
        "heads.box.class_logits.bias": lambda bias: bias.roll(1, 0),
    },
)
