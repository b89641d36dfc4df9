"""What ``maskrcnn train`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, between, no_file, parse_time, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import is_file
from maskrcnn.loggers.logger import check_loggers
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.recipe import Planned, Recipe
from maskrcnn.pretrained import DEFAULT_MODEL

__all__ = ["AUTO", "OFF", "Planned", "Recipe", "TrainOptions"]

AUTO, OFF = "auto", "off"


@dataclass(frozen=True)
class TrainOptions:
    """The data to learn from, the model to start from, and how it learns."""

    data: tuple[Path, ...]
    """Labelled files of any kind that is read; DATA:train is the split of that name. Several are trained on together:
    a class that one of them does not have is neither object nor background there."""
    out: Path | None = None
    """Folder for the plan, checkpoints, log and curves."""
    val: Path | None = None
    """Data to validate on: the best checkpoint is the one that does best here; where there are none, the latest."""
    val_fraction: float = 0.0
    """Part of DATA to hold out and validate on where --val is not given, whole source photos together; 0: none."""
    plan: str = AUTO
    """auto: plan what no flag says; off: take each flag's own default; FILE: a plan.yaml, perhaps edited."""
    time: str | None = None
    """Train for at most this long, planning and report included, such as 2h, 90m or 1h30m."""
    plan_only: bool = False
    """Write OUT/plan.yaml and stop."""
    model: str = DEFAULT_MODEL
    """Shipped model or file to start from, or an architecture with random weights: mobilenet_v2_fpn, resnet50_fpn."""
    body_weights: Path | None = None
    """Safetensors file to start the backbone's body from."""
    mask_data: tuple[Path, ...] = ()
    """More data, of whatever classes, that teach where objects are and what masks look like (with --agnostic-masks)."""
    recipe: Recipe = Recipe()
    device: str = "cpu"
    """cpu, cuda or mps."""
    max_pixels: int | None = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    resume: bool = False
    """Go on from OUT/last.safetensors exactly where it was broken off, with the flags of its beginning."""
    log: tuple[str, ...] = ()
    """Send the numbers of OUT/log.jsonl to tensorboard, mlflow or wandb as well, as these are set up here."""

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and files that are not there."""
        at_least("max-pixels", self.max_pixels, 1)
        if not self.data:
            raise UsageError("Name the data to train on first, as in `maskrcnn train DATA --out runs/mine`.")
        self.recipe.check()
        between("val-fraction", self.val_fraction, 0, 0.9)
        if self.time is not None:
            parse_time(self.time)
        for path in (*self.data, *self.mask_data, *([self.val] if self.val else [])):
            refuse_missing(path)
        check_model_name(self.model, VARIANTS)
        if self.body_weights is not None and not is_file(self.body_weights):
            raise UsageError(f"There is no file {self.body_weights} to take --body-weights from.")
        if self.plan not in (AUTO, OFF) and not is_file(self.plan):
            raise UsageError(f"There is no plan {self.plan}: --plan takes auto, off or the name of a plan.yaml.")
        if self.out is not None:
            no_file(self.out)
        usable_device(self.device)
        check_loggers(self.log)
