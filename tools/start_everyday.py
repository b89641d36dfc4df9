"""Give a model of the 80 COCO classes the class field of SSDLite: what `train_everyday.py` begins with.

    python tools/start_everyday.py MODEL --weights weights/ssdlite_mobilenet_v2_coco.safetensors --out FILE

The detector's score heads become `heads.box.field` (see `maskrcnn/models/class_field.py`). The box head's own layers
lose the units that matter least, so that the shipped file stays small, and its own class logits begin at 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor

from laterals import fit_laterals, prepared_photos
from maskrcnn.checkpoints.ours import load_checkpoint, load_matching, save_checkpoint
from maskrcnn.config import BoxHeadConfig, ClassFieldConfig
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from ssdlite import IMAGE_SIZE, TAP, SSDLite, anchor_shapes, load_ssdlite

LEVELS = 5  # the sixth has a single position at the detector's own size
# Where the anchors of position 0 are centred, px. The detector puts them evenly over its 300 px square, while its
# positions see, from one to the next, exactly a stride further; the mean offset between the two belongs to the weights.
FIRST = (10.0, 26.0, 10.0, 10.0, 10.0)
EVERY = 8  # photos, of which one is used to fit the laterals


def field_config(proposals: int = 0, sharpness: float = ClassFieldConfig.sharpness) -> ClassFieldConfig:
    """SSDLite's anchors in pixels of its own size."""
    cells = tuple(
        tuple((IMAGE_SIZE * width, IMAGE_SIZE * height) for height, width in anchor_shapes(level))
        for level in range(LEVELS)
    )
    return ClassFieldConfig(cells=cells, first=FIRST, proposals=proposals, sharpness=sharpness)


def field_tensors(detector: SSDLite, category_ids: tuple[int, ...], boxes: bool = False) -> dict[str, Tensor]:
    """The detector's tensors under the names of a `ClassField` of the classes `category_ids`, or also of its boxes."""
    source = detector.state_dict()
    names = {"expand.": f"body.blocks.{TAP}.expand."}
    for k in range(LEVELS - 2):
        for i, part in enumerate(("squeeze", "depthwise", "project")):
            names[f"extras.{k}.{i}."] = f"ssd.extras.{k}.{part}."
    for level in range(LEVELS):
        names[f"filters.{level}."] = f"ssd.heads.{level}.score.depthwise."
        if boxes:
            names[f"box_filters.{level}."] = f"ssd.heads.{level}.box.depthwise."
    tensors = {
        own + key.removeprefix(foreign): value
        for own, foreign in names.items()
        for key, value in source.items()
        if key.startswith(foreign)
    }
    for level in range(LEVELS):
        for part in ("weight", "bias"):
            rows = source[f"ssd.heads.{level}.score.project.{part}"]
            rows = rows.unflatten(0, (len(anchor_shapes(level)), -1))[:, list(category_ids)]  # [cells, K, ...]
            tensors[f"logits.{level}.{part}"] = rows.transpose(0, 1).flatten(0, 1)
            if boxes:  # (y, x, height, width) to x first
                codes = source[f"ssd.heads.{level}.box.project.{part}"].unflatten(0, (-1, 4))
                tensors[f"deltas.{level}.{part}"] = codes[:, [1, 0, 3, 2]].flatten(0, 1)
    return tensors


def narrowed(source: MaskRCNN, hidden: int) -> dict[str, Tensor]:
    """The weights of `source` with the `hidden` strongest units of the box head's two layers; class logits of 0."""
    tensors = source.state_dict()
    fc1, fc2, deltas, classes = (f"heads.box.{name}." for name in ("fc1", "fc2", "box_deltas", "class_logits"))
    first = tensors[fc1 + "weight"].norm(dim=1) * tensors[fc2 + "weight"].norm(dim=0)
    kept = first.topk(hidden).indices.sort().values
    for name in ("weight", "bias"):
        tensors[fc1 + name] = tensors[fc1 + name][kept]
    tensors[fc2 + "weight"] = tensors[fc2 + "weight"][:, kept]
    after = torch.cat([tensors[deltas + "weight"], tensors[classes + "weight"] / 10]).norm(dim=0)
    kept = (tensors[fc2 + "weight"].norm(dim=1) * after).topk(hidden).indices.sort().values
    for name in ("weight", "bias"):
        tensors[fc2 + name] = tensors[fc2 + name][kept]
    for layer in (deltas, classes):
        tensors[layer + "weight"] = tensors[layer + "weight"][:, kept]
    return tensors


def start(
    source: Path,
    weights: Path,
    hidden: int,
    own: float,
    body: bool,
    config: ClassFieldConfig,
    photos: Path | None = None,
) -> tuple[MaskRCNN, ModelInfo]:
    model, info = load_checkpoint(source)
    box_head: BoxHeadConfig = replace(info.config.box_head, hidden=hidden, field=config)
    info = replace(info, config=replace(info.config, box_head=box_head), metrics={})
    target = build_model(info.config)
    detector = load_ssdlite(weights)
    tensors = narrowed(model, hidden)
    for part in ("weight", "bias"):
        tensors[f"heads.box.class_logits.{part}"] *= own
    field = field_tensors(detector, info.category_ids, boxes=config.proposals > 0)
    new = {f"heads.box.field.{k}": v for k, v in field.items()}
    if body:
        new |= {f"backbone.{k}": v for k, v in detector.state_dict().items() if k.startswith("body.")}
    kept = load_matching(target, tensors | new)[1]
    assert not kept, kept
    if photos is not None:
        explained = fit_laterals(target, model, prepared_photos(photos, info.config.preprocess, EVERY))
        print("of the old laterals' variance the new ones explain " + ", ".join(f"{part:.2f}" for part in explained))
    return target.eval(), info


@dataclass(frozen=True)
class StartEveryday:
    model: Annotated[Path, tyro.conf.Positional]
    """Model of the 80 classes."""
    out: Path
    """File to write."""
    weights: Path = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")
    """The detector."""
    hidden: int = 448
    """Units that the box head's layers keep."""
    own: float = 0.0
    """What the model's own class logits are multiplied by."""
    body: bool = False
    """Take the detector's body too."""
    photos: Path | None = None
    """Fit the laterals to that body on photos of this COCO json."""
    proposals: int = 0
    """How many of the detector's boxes are proposals too."""
    sharpness: float = ClassFieldConfig.sharpness
    """Of the field."""


def main() -> None:
    flags = tyro.cli(StartEveryday, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    config = field_config(flags.proposals, flags.sharpness)
    model, info = start(flags.model, flags.weights, flags.hidden, flags.own, flags.body, config, flags.photos)
    save_checkpoint(flags.out, model, info)
    print(flags.out)


if __name__ == "__main__":
    main()
