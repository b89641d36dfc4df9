"""Train `everyday`: labels, pseudo-labels, and the opinions of the detector that its backbone comes from.

    python tools/train_everyday.py DATA.json --model runs/first/best.safetensors --out runs/everyday [flags of train]

The teacher is SSDLite MobileNetV2 (see tools/ssdlite.py), which was trained on all of COCO: of each training sample it
says for 1,917 places how likely each of the 80 classes is there, so that a class with ten examples is learned from
every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor
from torch.nn import functional as F
from tyro.conf import arg

from maskrcnn.jobs.events import Event, Note, TrainingStep
from maskrcnn.jobs.training_run import TrainingRun, run_training
from maskrcnn.losses.teacher import Teacher
from maskrcnn.modalities.open import open_dataset
from maskrcnn.planning.recipe import Recipe
from maskrcnn.structures import ImageBatch
from ssdlite import IMAGE_SIZE, SSDLite, decode_boxes, load_ssdlite

BODY = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")


class SsdTeacher(Teacher):
    """SSDLite on normalised square samples; the classes of `category_ids` in their order."""

    def __init__(self, detector: SSDLite, category_ids: tuple[int, ...]) -> None:
        self.detector, self.columns = detector, list(category_ids)

    @torch.no_grad()
    def __call__(self, images: ImageBatch) -> tuple[Tensor, Tensor]:
        height, width = images.tensor.shape[2:]
        # The samples are normalised as the teacher wants them: x / 127.5 - 1.
        seen = F.interpolate(images.tensor, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)
        codes, logits = self.detector.ssd(self.detector.body(seen))
        boxes = decode_boxes(codes.float(), self.detector.ssd.anchors)[..., [1, 0, 3, 2]]
        return boxes * boxes.new_tensor([width, height, width, height]), logits.float()[..., self.columns]


@dataclass(frozen=True)
class TrainEveryday:
    data: Annotated[Path, tyro.conf.Positional]
    """COCO json with the 80 classes under COCO's category ids."""
    out: Path
    """Folder for checkpoints, log and curves."""
    model: str = "people"
    """Model to start from."""
    body_weights: Path = BODY
    """The teacher."""
    keep_body: bool = False
    """Keep the model's own body instead of beginning with the teacher's."""
    val: Path | None = None
    """Data to validate on."""
    teach: bool = True
    """Learn from the teacher too."""
    recipe: Annotated[Recipe, arg(name="")] = Recipe()
    resume: bool = False
    """Go on."""


def main() -> None:
    flags = tyro.cli(TrainEveryday, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    flags.recipe.check()
    data = open_dataset(flags.data)
    val = open_dataset(flags.val) if flags.val else None
    teacher = SsdTeacher(load_ssdlite(flags.body_weights), data.category_ids) if flags.teach else None
    body = None if flags.keep_body else flags.body_weights
    run = TrainingRun(data, flags.out, val, flags.model, body, flags.recipe, flags.resume, teacher=teacher)
    print(run_training(run, tell))


def tell(event: Event) -> None:
    match event:
        case Note(text):
            print(text, flush=True)
        case TrainingStep(step, steps, text, _, True):
            print(f"step {step}/{steps}  {text}", flush=True)


if __name__ == "__main__":
    main()
