"""How a trained model with a class field looks at a photo: how large, from which proposals, with how much of its own.

python tools/finish.py runs/everyday/best.safetensors --out runs/everyday/finished.safetensors
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN


@dataclass(frozen=True)
class Finish:
    model: Annotated[Path, tyro.conf.Positional]
    """Trained model with a class field."""
    out: Path
    """File to write."""
    own: float = 0.25
    """What the box head's own class logits are multiplied by."""
    image_size: int = 544
    """Longer side that photos are resized to."""
    rescaled: float | None = 0.6
    """The field looks again at this times that size; None: not again."""
    handover: float | None = 200.0
    """Larger boxes are left to the smaller image."""
    rpn_proposals: int = 50
    """At most so many of the RPN's proposals beside the field's."""


def finished(flags: Finish) -> tuple[MaskRCNN, ModelInfo]:
    model, info = load_checkpoint(flags.model)
    config = info.config
    assert config.box_head.field is not None
    field = replace(config.box_head.field, rescaled=flags.rescaled, handover=flags.handover)
    config = replace(
        config,
        preprocess=replace(config.preprocess, min_size=flags.image_size, max_size=flags.image_size),
        selection=replace(config.selection, post_nms=flags.rpn_proposals),
        box_head=replace(config.box_head, field=field),
    )
    tensors = model.state_dict()
    for part in ("weight", "bias"):
        tensors[f"heads.box.class_logits.{part}"] *= flags.own
    target = build_model(config).eval()
    target.load_state_dict(tensors)
    return target, replace(info, config=config)


def main() -> None:
    flags = tyro.cli(Finish, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    save_checkpoint(flags.out, *finished(flags))
    print(flags.out)


if __name__ == "__main__":
    main()
