"""maskrcnn train"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.cli.speech import say, tell_problems
from maskrcnn.errors import UsageError
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.workflows.checks import result_folder, usable_device
from maskrcnn.workflows.recipe import Recipe


@dataclass(frozen=True)
class Train:
    """Train on your own data, by default from the shipped model's weights."""

    data: Annotated[tuple[Path, ...], tyro.conf.Positional, arg(metavar="DATA [...]", help_behavior_hint="(required)")]
    """COCO json file, folder with _annotations.coco.json, or folder with images/ and labels/ (label maps). Several are
    trained on together: a class that one of them does not have is neither object nor background there."""
    out: Path
    """Folder for checkpoints, log and curves."""
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: none)")] = None
    """Data to validate on: the best checkpoint is the one that does best here; without them, the latest."""
    model: str = DEFAULT_MODEL
    """Shipped model or file to start from, or an architecture with random weights: mobilenet_v2_fpn, resnet50_fpn."""
    body_weights: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Safetensors file to start the backbone's body from."""
    mask_data: Annotated[tuple[Path, ...], arg(metavar="DATA [...]", help_behavior_hint="(default: none)")] = ()
    """More data, of whatever classes, that teach where objects are and what masks look like (with --agnostic-masks)."""
    recipe: Annotated[Recipe, arg(name="")] = Recipe()
    device: str = "cpu"
    """cpu, cuda or mps."""
    resume: bool = False
    """Go on from OUT/last.safetensors exactly where it was broken off, with the flags of its beginning."""

    def run(self) -> int:
        from maskrcnn.data.dataset import open_dataset
        from maskrcnn.workflows.train import open_together, train

        if not self.data:
            raise UsageError("Name the data to train on first, as in `maskrcnn train DATA --out runs/mine`.")
        self.recipe.check()
        usable_device(self.device)
        data = open_together(self.data, self.mask_data)
        val = open_dataset(self.val) if self.val else None
        tell_problems(data.problems + (val.problems if val else []))
        result_folder(self.out)
        best = train(data, val, self.out, self.model, self.body_weights, self.recipe, self.resume, self.device, say)
        say(f"The best model is {best}; try it: maskrcnn predict PHOTO --model {best}")
        return 0
