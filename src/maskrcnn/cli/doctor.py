"""maskrcnn doctor"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.cli.speech import Data, ModelsOwn, console
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.workflows.checks import usable_device
from maskrcnn.workflows.recipe import Recipe


@dataclass(frozen=True)
class Doctor:
    """Look at labelled data before training: what is wrong with it, how to mend it, and what training will need.

    Exit code 0 healthy (perhaps with warnings), 1 faults found, 2 could not be read.
    """

    data: Data
    """Labelled data to train on, in any format that `maskrcnn train` reads."""
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: none)")] = None
    """Data to validate on: looked at as well, and compared with the others for pictures that are in both."""
    model: str = DEFAULT_MODEL
    """Shipped model or file that training would start from, or an architecture with random weights."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images would be resized to."""
    smallest_anchor: ModelsOwn = None
    """Size in pixels of the anchors of the finest level."""
    batch: int = Recipe.batch
    """Images in a step, for the estimate of time and memory."""
    epochs: int = Recipe.epochs
    """Times that each image would be seen, for the estimate of time."""
    quick: bool = False
    """Only look: leave out the trial training and the estimates that come of it."""
    json: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write everything to this file too, with up to 200 examples of each finding."""
    device: str = "cpu"
    """cpu, cuda or mps, for the trial training."""

    def run(self) -> int:
        from maskrcnn.workflows.doctor.examine import as_dict, examine, open_patient
        from maskrcnn.workflows.doctor.report import tell

        recipe = Recipe(
            image_size=self.image_size, smallest_anchor=self.smallest_anchor, batch=self.batch, epochs=self.epochs
        )
        recipe.check()
        usable_device(self.device)
        train = open_patient(self.data)
        val = open_patient(self.val) if self.val else None
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("reading", total=None)

            def report(what: str, done: int, total: int) -> None:
                progress.update(task, description=what, completed=done, total=total or None)

            diagnosis = examine(train, val, self.model, recipe, self.quick, self.device, report)
        tell(diagnosis, Console(highlight=False, markup=False, emoji=False), self._train_arguments())
        if self.json is not None:
            _write(self.json, json.dumps(as_dict(diagnosis), indent=1) + "\n")
        return 1 if diagnosis.count("error") else 0

    def _train_arguments(self) -> str:
        """What to give `maskrcnn train` to train as was looked at here."""
        flags = {
            "val": self.val,
            "image-size": self.image_size,
            "smallest-anchor": self.smallest_anchor,
            "model": None if self.model == DEFAULT_MODEL else self.model,
        }
        return " ".join([str(self.data), *(f"--{name} {value}" for name, value in flags.items() if value is not None)])


def _write(path: Path, text: str) -> None:
    from maskrcnn.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
