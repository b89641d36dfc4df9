"""Make a model of people out of `everyday` and MoveNet: what `make train-people` begins with.

    python tools/start_people.py MODEL DATA.json --out FILE [--weights weights/movenet_lightning.safetensors]

Of the 80 classes it keeps the persons, in the detector's field as well; the box head's layers lose the units that
matter least. The 17 COCO keypoints come from MoveNet (`tools/convert_movenet.py`) as a close-up of each person
(`maskrcnn/models/heads/closeup.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from safetensors.torch import load_file

from maskrcnn.checkpoints.ours import load_checkpoint, load_exactly, load_matching, save_checkpoint
from maskrcnn.checkpoints.transfer import transfer
from maskrcnn.config import CloseUpConfig, KeypointHeadConfig
from maskrcnn.modalities.open import open_dataset
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from start_everyday import narrowed

PERSON = ("person",)
SAMPLES = 3  # close-ups of one image in training: each is a network's whole way forwards and back


def people(source: MaskRCNN, info: ModelInfo, weights: Path, hidden: int) -> tuple[MaskRCNN, ModelInfo]:
    """The source's persons, with MoveNet's keypoints."""
    narrow = replace(info.config, box_head=replace(info.config.box_head, hidden=hidden))
    of_all = build_model(narrow)
    load_exactly(of_all, narrowed(source, hidden), "the narrowed model")
    config = replace(
        narrow,
        num_classes=1,
        keypoint_head=KeypointHeadConfig(closeup=CloseUpConfig()),
        loss=replace(narrow.loss, keypoint_samples=SAMPLES),
    )
    target = build_model(config)
    left = transfer(of_all, info.class_names, target, PERSON)
    unexpected = [name for name in left if not name.startswith("heads.keypoint.")]
    assert not unexpected, unexpected
    left = load_matching(target.heads["keypoint"].closeup, load_file(weights))[1]  # type: ignore[arg-type]
    assert not left, left
    return target.eval(), ModelInfo(config, PERSON, (info.category_ids[info.class_names.index("person")],))


@dataclass(frozen=True)
class StartPeople:
    model: Annotated[Path, tyro.conf.Positional]
    """Model that knows persons among others."""
    data: Annotated[Path, tyro.conf.Positional]
    """COCO json of people, for the names of their keypoints."""
    out: Path
    """File to write."""
    weights: Path = Path("weights/movenet_lightning.safetensors")
    """MoveNet."""
    hidden: int = 288
    """Units that the box head's layers keep."""


def main() -> None:
    flags = tyro.cli(StartPeople, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    source, info = load_checkpoint(flags.model)
    target, info = people(source, info, flags.weights, flags.hidden)
    data = open_dataset(flags.data)
    save_checkpoint(flags.out, target, replace(info, keypoint_names=data.keypoint_names, skeleton=data.skeleton))
    print(flags.out)


if __name__ == "__main__":
    main()
