"""maskrcnn doctor"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.apps.cli.console import Data, MaxPixels, console
from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import is_file
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.recipe import Recipe

Settings = ("model", "image_size", "smallest_anchor", "batch", "epochs")  # of the training, where a flag gives them
Whole = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: planned)")]


@dataclass(frozen=True)
class Doctor:
    """Look at labelled data before training: what is wrong, how to mend it, what `maskrcnn train` would do and need.

    Exit code 0 healthy (perhaps with warnings), 1 faults found, 2 could not be read.
    """

    data: Data
    """Labelled data to train on, in any format that `maskrcnn train` reads."""
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: none)")] = None
    """Data to validate on: looked at as well, and compared with the others for pictures that are in both."""
    plan: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: planned)")] = None
    """A plan.yaml that training would follow, perhaps edited."""
    model: Annotated[str | None, arg(metavar="STR", help_behavior_hint="(default: planned)")] = None
    """Shipped model or file that training would start from, or an architecture with random weights."""
    image_size: Whole = None
    """Longer side in pixels that images would be resized to."""
    smallest_anchor: Whole = None
    """Size in pixels of the anchors of the finest level."""
    batch: Whole = None
    """Images in a step."""
    epochs: Whole = None
    """Times that each image would be seen."""
    max_pixels: MaxPixels = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    quick: bool = False
    """Only look: leave out the trial training, and time no step."""
    json: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Write everything to this file too, with up to 200 examples of each finding."""
    device: str = "cpu"
    """cpu, cuda or mps, which training would use."""

    def run(self) -> int:
        asked = self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.apps.cli.diagnosis import tell
        from maskrcnn.jobs.doctor import as_dict, examine, open_patient
        from maskrcnn.jobs.plan import Wish

        train = open_patient(self.data)
        val = open_patient(self.val) if self.val else None
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("reading", total=None)

            def report(what: str, done: int, total: int) -> None:
                progress.update(task, description=what, completed=done, total=total or None)

            diagnosis = examine(train, val, Wish(asked, self.plan, device=self.device), self.quick, report)
        tell(diagnosis, Console(highlight=False, markup=False, emoji=False), self._train_arguments(asked))
        if self.json is not None:
            _write(self.json, json.dumps(as_dict(diagnosis), indent=1) + "\n")
        return 1 if diagnosis.count("error") else 0

    def check(self) -> dict[str, Any]:
        """The settings that flags give. Raises UsageError or DataError for what cannot be followed or is not there."""
        asked = {name: getattr(self, name) for name in Settings if getattr(self, name) is not None}
        Recipe(**{name: value for name, value in asked.items() if name != "model"}).check()
        for path in (self.data, *([self.val] if self.val else [])):
            refuse_missing(path)
        if self.model is not None:
            check_model_name(self.model, VARIANTS)
        if self.plan is not None and not is_file(self.plan):
            raise UsageError(f"There is no plan {self.plan}; --plan takes the name of a plan.yaml.")
        usable_device(self.device)
        return asked

    def _train_arguments(self, asked: dict[str, Any]) -> str:
        """What to give `maskrcnn train` to train as was looked at here."""
        flags = {"val": self.val, "plan": self.plan} | asked
        named = (f"--{name.replace('_', '-')} {value}" for name, value in flags.items() if value is not None)
        return " ".join([str(self.data), *named])


def _write(path: Path, text: str) -> None:
    from maskrcnn.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
