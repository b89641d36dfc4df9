"""Give a model of people another body and the point field that belongs to it: what `make train-people` goes on from.

    python tools/start_people.py MODEL DATA.json --out FILE [--weights weights/movenet_multipose.safetensors]

Body and point field are MoveNet's (`tools/convert_movenet.py`). The pyramid's laterals, the only layers between the
body and the rest, become the linear maps under which the new body's outputs on the photos of DATA come nearest to what
the old laterals said, so that pyramid and heads can stay. The box head's layers lose the units that matter least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from safetensors.torch import load_file

from laterals import fit_laterals, prepared_photos
from maskrcnn.checkpoints.ours import ModelInfo, load_checkpoint, load_matching, save_checkpoint
from maskrcnn.config import PointFieldConfig
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from start_everyday import narrowed

OUTPUTS = (2, 5, 9, 16)  # the blocks that MoveNet's own pyramid reads
MULTIPLIER = 1.5


def converted(source: MaskRCNN, info: ModelInfo, weights: Path, hidden: int) -> tuple[MaskRCNN, ModelInfo]:
    """The model with MoveNet's body and field, its laterals still random."""
    config = info.config
    assert config.keypoint_head is not None
    info = replace(
        info,
        metrics={},
        config=replace(
            config,
            backbone=replace(config.backbone, multiplier=MULTIPLIER, outputs=OUTPUTS),
            box_head=replace(config.box_head, hidden=hidden),
            keypoint_head=replace(config.keypoint_head, field=PointFieldConfig()),
        ),
    )
    target = build_model(info.config)
    old = {k: v for k, v in narrowed(source, hidden).items() if not k.startswith("backbone.body.")}
    new = load_file(weights)
    new = {k.replace("body.", "backbone.body.").replace("field.", "heads.keypoint.field."): v for k, v in new.items()}
    kept = load_matching(target, old | new)[1]
    unexpected = [name for name in kept if not name.startswith("backbone.fpn.lateral.") and not name.endswith(".gain")]
    assert not unexpected, unexpected
    return target.eval(), info


@dataclass(frozen=True)
class StartPeople:
    model: Annotated[Path, tyro.conf.Positional]
    """Model with boxes, masks and keypoints."""
    data: Annotated[Path, tyro.conf.Positional]
    """Photos to fit the laterals on, COCO json."""
    out: Path
    """File to write."""
    weights: Path = Path("weights/movenet_multipose.safetensors")
    """MoveNet."""
    hidden: int = 288
    """Units that the box head's layers keep."""
    every: int = 8
    """Use every so manieth photo."""


def main() -> None:
    flags = tyro.cli(StartPeople, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    source, info = load_checkpoint(flags.model)
    target, info = converted(source, info, flags.weights, flags.hidden)
    explained = fit_laterals(target, source, prepared_photos(flags.data, info.config.preprocess, flags.every))
    print("of the old laterals' variance the new ones explain " + ", ".join(f"{part:.2f}" for part in explained))
    save_checkpoint(flags.out, target, info)
    print(flags.out)


if __name__ == "__main__":
    main()
