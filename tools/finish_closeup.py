"""Give a model the close-up mask head of another, and let that head's sureness count in the scores.

    python tools/finish_closeup.py MODEL DATA --head runs/people-sharp/best.safetensors --out FILE

On the photos of DATA that `train_closeup.py` holds out it prints average precision for some powers of the mean
probability inside of each mask. The model that is written has one of them, and keeps the scores of objects whose masks
are as sure as the median of those that it surely finds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import load_checkpoint, load_matching, save_checkpoint
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.evaluation.coco import evaluate_detections
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.evaluation.mask_quality import SHOWN, mask_quality
from maskrcnn.evaluation.misses.matching import NOBODY, best_first, lay_out, match_scene
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.head import MASK_QUALITY, Place
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import Instances, Record
from train_closeup import held_out

POWERS = (0.0, 1.0, 2.0, 4.0, 8.0)
SURE_OF = 0.7  # score from which on a true detection is a sure one
COLUMNS = ("box/AP", "mask/AP", "mask/AP50", "mask/AP75", "mask/IoU")


@dataclass(frozen=True)
class Finish:
    model: Annotated[str, tyro.conf.Positional]
    """Model that gets the head, or the name of one."""
    data: Annotated[Path, tyro.conf.Positional]
    """Photos that the head was trained with."""
    head: Path
    """Model with the head."""
    out: Path
    """File to write."""
    power: float = 4.0
    """Of the sureness that scores are multiplied by."""


def grafted(model: MaskRCNN, info: ModelInfo, head: Path, power: float, sure: float) -> tuple[MaskRCNN, ModelInfo]:
    """``model`` with the close-up mask head of another, whose scores count by ``power``."""
    donor, donor_info = load_checkpoint(head)
    own = donor_info.config.closeup_mask_head
    assert own is not None
    own = dataclasses.replace(own, rescoring=power, sure=sure)
    info = dataclasses.replace(info, config=dataclasses.replace(info.config, closeup_mask_head=own))
    target = build_model(info.config).eval()
    load_matching(target, model.state_dict())
    target.heads["closeup_mask"].load_state_dict(donor.heads["closeup_mask"].state_dict())
    return target, info


def detections(model: MaskRCNN, info: ModelInfo, data: Dataset) -> tuple[list[Record], list[Instances]]:
    """Photos and what is found in them, with scores as they were and the sureness of each mask beside them."""
    head = model.heads["closeup_mask"]
    to_file = head.to_file

    def with_sureness(found: Instances, place: Place) -> None:
        to_file(found, place)
        found.outputs["sureness"] = found.outputs.pop(MASK_QUALITY, torch.ones(len(found)))

    head.to_file = with_sureness
    records, found = [], []

    def watch(record: Record, image: Tensor, own: Instances) -> None:
        records.append(record)
        found.append(own)

    evaluate(Predictor(model, info, "cpu"), data, watch=watch)
    return records, found


def sureness_of_sure_ones(record: Record, found: Instances) -> Tensor:
    """Of the true detections whose score is high."""
    found = best_first(found)
    true = torch.tensor(
        [m != NOBODY for m in match_scene(lay_out(record, found, masks=False)).object_of], dtype=torch.bool
    )
    return found.outputs["sureness"][true & (found.scores >= SURE_OF)]


def counted(found: Instances, power: float, sure: float) -> Instances:
    """As the head with this power would have it."""
    scores = found.scores * (found.outputs["sureness"] / sure).clamp(max=1.0).pow(power)
    return dataclasses.replace(found, scores=scores, outputs={})[scores.argsort(descending=True, stable=True)]


def main() -> None:
    flags = tyro.cli(Finish, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    model, info = load_model(Path(flags.model))
    data = open_dataset(flags.data)
    data = subset(data, [i for i, record in enumerate(data) if held_out(record.file_name)])
    records, found = detections(*grafted(model, info, flags.head, 1.0, 1.0), data)
    sure = torch.cat([sureness_of_sure_ones(*pair) for pair in zip(records, found)]).median().item()
    print(f"{len(records)} photos; median sureness of true detections with a score of {SURE_OF} or more: {sure:.3f}")
    print(f"| power | {' | '.join(COLUMNS)} | shown |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for power in POWERS:
        own = [counted(each, power, sure) for each in found]
        metrics = evaluate_detections(records, own, data.class_names, 100, 0).metrics | mask_quality(records, own)
        cells = " | ".join(f"{metrics[column]:.3f}" for column in COLUMNS)
        print(f"| {power:g} | {cells} | {sum(int((each.scores >= SHOWN).sum()) for each in own)} |", flush=True)
    save_checkpoint(flags.out, *grafted(model, info, flags.head, flags.power, round(sure, 3)))
    print(flags.out)


if __name__ == "__main__":
    main()
