"""maskrcnn train"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import MaxPixels, say, tell_data_problems
from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import between, no_file, parse_time, result_folder, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, is_file
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.recipe import Planned, Recipe
from maskrcnn.pretrained import DEFAULT_MODEL

if TYPE_CHECKING:  # flags must not wait for torch
    from maskrcnn.modalities.open import Dataset
    from maskrcnn.training.budget import Budget

AUTO, OFF = "auto", "off"


@dataclass(frozen=True)
class Train:
    """Train on your own data. What no flag says is planned from the data and this machine, see OUT/plan.yaml."""

    data: Annotated[tuple[Path, ...], tyro.conf.Positional, arg(metavar="DATA [...]", help_behavior_hint="(required)")]
    """Labelled images: COCO, LabelMe, Pascal VOC, YOLO, VIA, CVAT, Label Studio, Datumaro, label maps, class maps or
    mask files; DATA:train is the split of that name. Several are trained on together: a class that one of them does
    not have is neither object nor background there."""
    out: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: runs/ and the data's name)")] = None
    """Folder for the plan, checkpoints, log and curves."""
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: part of DATA is held out)")] = None
    """Data to validate on: the best checkpoint is the one that does best here; where there are none, the latest."""
    val_fraction: Annotated[float, Planned] = 0.0
    """Part of DATA to hold out and validate on where --val is not given, whole source photos together; 0: none."""
    plan: Annotated[str, arg(metavar="auto|off|FILE")] = AUTO
    """auto: plan what no flag says; off: take each flag's own default; FILE: a plan.yaml, perhaps edited."""
    time: Annotated[str | None, arg(metavar="TIME", help_behavior_hint="(default: an hour or so)")] = None
    """Train for at most this long, planning and report included, such as 2h, 90m or 1h30m."""
    plan_only: bool = False
    """Write OUT/plan.yaml and stop."""
    model: Annotated[str, Planned] = DEFAULT_MODEL
    """Shipped model or file to start from, or an architecture with random weights: mobilenet_v2_fpn, resnet50_fpn."""
    body_weights: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Safetensors file to start the backbone's body from."""
    mask_data: Annotated[tuple[Path, ...], arg(metavar="DATA [...]", help_behavior_hint="(default: none)")] = ()
    """More data, of whatever classes, that teach where objects are and what masks look like (with --agnostic-masks)."""
    recipe: Annotated[Recipe, arg(name="")] = Recipe()
    device: str = "cpu"
    """cpu, cuda or mps."""
    max_pixels: MaxPixels = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    resume: bool = False
    """Go on from OUT/last.safetensors exactly where it was broken off, with the flags of its beginning."""

    def run(self) -> int:
        begun = time.monotonic()
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.plan import default_out
        from maskrcnn.jobs.run_folder import training_folder
        from maskrcnn.jobs.train import named, open_like, open_together
        from maskrcnn.modalities.volumes.open import in_words

        data = named(open_together(self.data, self.mask_data, self.recipe), self.recipe.class_names)
        val = open_like(self.val, data) if self.val else None
        tell_data_problems(self.data, data.problems)
        if data.kind == "volume":
            say(in_words(data))
        if val is not None and self.val is not None:
            tell_data_problems([self.val], val.problems)
        out = self.out or default_out(self.data, self.resume)
        result_folder(out)
        with training_folder(out), self.explained_stop(out):
            return self.plan_and_train(data, val, out, begun)

    def plan_and_train(self, data: Dataset, val: Dataset | None, out: Path, begun: float) -> int:
        """All that is written into ``out``."""
        from maskrcnn.jobs.train import train

        model, recipe, data, val, budget = self.planned(data, val, out, begun)
        if self.plan_only:
            return 0
        resume = self.resume and exists(out / "last.safetensors")  # else it died before its first checkpoint
        best = train(data, val, out, model, self.body_weights, recipe, resume, self.device, say, budget=budget)
        say(f"The best model is {best}. Next, see what it finds, and what it misses:")
        things = {"image": "PHOTOS", "volume": "SCANS"}.get(data.kind, "RECORDINGS")
        say(f"  maskrcnn predict {things} --model {best} --out {out / 'pictures'}")
        say(f"  maskrcnn evaluate {self.val or f'LABELLED_{things}'} --model {best} --out {out / 'judged'}")
        return 0

    def check(self) -> None:
        """Raise UsageError or DataError for flags that cannot be followed and files that are not there."""
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

    @contextmanager
    def explained_stop(self, out: Path) -> Iterator[None]:
        """Within the block Ctrl-C says how to go on."""
        try:
            yield
        except KeyboardInterrupt:
            if not self.plan_only:
                command = ["maskrcnn", "train", *map(str, self.data), *(["--val", str(self.val)] if self.val else [])]
                say(f"Interrupted. To go on: {shlex.join([*command, '--out', str(out), '--resume'])}")
            raise

    def planned(
        self, data: Dataset, val: Dataset | None, out: Path, begun: float
    ) -> tuple[str, Recipe, Dataset, Dataset | None, Budget | None]:
        """Model, recipe, the data to learn from and to judge on, and the time to keep since ``begun``."""
        from maskrcnn.jobs.plan import Wish, beginning, prepare, resumed
        from maskrcnn.jobs.train import check_data

        check_data(data, val)
        file = beginning(out, self.plan, self.resume)
        if self.resume and exists(out / "last.safetensors"):
            data, val = resumed(data, val, out, self.val_fraction)
            return self.model, self.recipe, data, val, None
        if self.plan == OFF and file is None:
            if self.time:
                raise UsageError("--time is for a plan: leave --plan off away, or say how long with --epochs.")
            data, val = resumed(data, val, None, self.val_fraction)
            return self.model, self.recipe, data, val, None
        asked = {name: getattr(self, name, getattr(self.recipe, name, None)) for name in self.asked(sys.argv[1:])}
        wish = Wish(asked, file, self.time, self.body_weights, self.device, begun)
        prepared = prepare(data, val, out, wish, say)
        return prepared.plan["model"], prepared.plan.recipe(), prepared.data, prepared.val, prepared.budget

    def asked(self, arguments: Sequence[str]) -> list[str]:
        """The settings of a plan that the command line names, even where it gives them their default."""
        flags = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
        names = ["model", "val_fraction", *(field.name for field in fields(Recipe))]
        return [name for name in names if f"--{name.replace('_', '-')}" in flags]
