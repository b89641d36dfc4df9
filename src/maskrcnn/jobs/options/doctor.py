"""What ``maskrcnn doctor`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import is_file
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.recipe import Recipe

SETTINGS = (
    "task",
    "model",
    "image_size",
    "smallest_anchor",
    "batch",
    "epochs",
)  # of the training, where one gives them


@dataclass(frozen=True)
class DoctorOptions:
    """The labelled data to look at, and what is known already of the training that is to follow."""

    data: Path
    """Labelled data to train on, in any format that `maskrcnn train` reads."""
    val: Path | None = None
    """Data to validate on: looked at as well, and compared with the others for pictures that are in both."""
    plan: Path | None = None
    """A plan.yaml that training would follow, perhaps edited."""
    labels: str = ""
    """A table with a class, several (a;b) or a number for each file as a whole: FILE.csv or FILE.csv:COLUMN."""
    task: Literal["instances", "semantic"] | None = None
    """What training would learn: to find objects, or to tell the class of every sample (class maps are for that)."""
    model: str | None = None
    """Shipped model or file that training would start from, or an architecture with random weights."""
    image_size: int | None = None
    """Longer side in pixels that images would be resized to."""
    smallest_anchor: int | None = None
    """Size in pixels of the anchors of the finest level."""
    batch: int | None = None
    """Images in a step."""
    epochs: int | None = None
    """Times that each image would be seen."""
    max_pixels: int | None = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    quick: bool = False
    """Only look: leave out the trial training, and time no step."""
    json: Path | None = None
    """Write everything to this file too, with up to 200 examples of each finding."""
    device: str = "cpu"
    """cpu, cuda or mps, which training would use."""

    def settings(self) -> dict[str, Any]:
        """The training's settings that are given, by name."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}

    def check(self) -> None:
        """Raise UsageError or DataError for what cannot be followed or is not there."""
        at_least("max-pixels", self.max_pixels, 1)
        Recipe(**{name: value for name, value in self.settings().items() if name != "model"}).check()
        for path in (self.data, *([self.val] if self.val else [])):
            refuse_missing(path)
        if self.model is not None:
            check_model_name(self.model, VARIANTS)
        if self.plan is not None and not is_file(self.plan):
            raise UsageError(f"There is no plan {self.plan}; --plan takes the name of a plan.yaml.")
        usable_device(self.device)
