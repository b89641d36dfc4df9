"""Outputs of a checkpoint's own framework, stage by stage, and how far ours are from them.

A recording is a safetensors file, written beside the reference by a small script (``tools/parity/record_stages.py``):

    input               [1, C, *S], as the network gets it: resized, normalised and padded
    boxes               [N, 2D], in coordinates of the input: what the heads look at
    body.0, body.1, ... the body's outputs, finest first
    FPN.0, ...          the pyramid's levels, finest first
    RPN.logits.0, ...   [1, A, *S] of each level; RPN.deltas.0, ... [1, 2D A, *S]
    box head.logits     [N, K + 1], background first, and box head.deltas [N, 2D K], for ``boxes``
    mask head           [N, K, *M], and keypoint head [N, P, *M]

with our classes, as the table's transforms order them. Any of them may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from maskrcnn.checkpoints.foreign.name_mapping import ImportSummary
from maskrcnn.errors import CheckpointError
from maskrcnn.models.head import ObjectHead, heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.schema import one_line


def compare_stages(model: MaskRCNN, path: str | Path, report: ImportSummary) -> None:
    """Compare a model's stages with recorded outputs of the same weights in their own framework.

    Args:
        model: that was imported.
        path: of the recording.
        report: gets the largest difference of each stage.

    Raises:
        CheckpointError: the recording cannot be read, or is of another model: shapes differ.
    """
    try:
        recorded = load_file(path)
    except (SafetensorError, OSError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path} cannot be read as a recording ({one_line(error)}); record it again.") from None
    if "input" not in recorded:
        raise CheckpointError(f"{path} is no recording of outputs: it has no input; record it again.")
    ours = stage_outputs(model, recorded["input"], recorded.get("boxes"))
    for stage in report.stages:
        names = [name for name in recorded if name == stage.stage or name.startswith(f"{stage.stage}.")]
        gaps = [_difference(ours, name, recorded[name], path) for name in names]
        if gaps:
            stage.difference = max(gaps)


@torch.inference_mode()
def stage_outputs(model: MaskRCNN, image: Tensor, boxes: Tensor | None) -> dict[str, Tensor]:
    """Compute what each stage makes of an image, under the names above.

    Args:
        model: in evaluation mode.
        image: ``[1, C, *S]``, as the network sees it.
        boxes: ``[R, 2D]`` for the heads; None: without the heads.

    Returns:
        The outputs by name.
    """
    outputs = {f"body.{k}": level for k, level in enumerate(model.backbone.body(image))}
    features = model.backbone(image)
    outputs |= {f"FPN.{k}": level for k, level in enumerate(features)}
    for k, level in enumerate(features):
        logits, deltas = model.rpn([level])
        spatial = level.shape[2:]
        outputs[f"RPN.logits.{k}"] = logits[0].unflatten(1, (*spatial, -1)).movedim(-1, 1)
        outputs[f"RPN.deltas.{k}"] = deltas[0].unflatten(1, (*spatial, -1)).flatten(-2).movedim(-1, 1)
    if boxes is None:
        return outputs
    logits, deltas = model.box_head(features, [boxes])
    outputs |= {"box head.logits": logits, "box head.deltas": deltas.flatten(1)}
    further = {name: head for name, head in heads_of(model).items() if isinstance(head, ObjectHead)}
    return outputs | {f"{name} head": head(features, [boxes]) for name, head in further.items()}


def _difference(ours: Mapping[str, Tensor], name: str, theirs: Tensor, path: object) -> float:
    own = ours.get(name)
    if own is None or own.shape != theirs.shape:
        shapes = f"{list(theirs.shape)} against {None if own is None else list(own.shape)}"
        raise CheckpointError(f"{path} is a recording of another model: {name} is {shapes}; record it again.")
    return float((own.double() - theirs.double()).abs().max()) if own.numel() else 0.0
