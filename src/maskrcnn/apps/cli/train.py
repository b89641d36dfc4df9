"""maskrcnn train"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import MaxPixels, Screen, manner, say
from maskrcnn.jobs.options.known_files import TO_TRAIN_ON
from maskrcnn.jobs.options.train import Planned, Recipe, TrainOptions


@dataclass(frozen=True)
class Train(TrainOptions):
    """Train on your own data. What no flag says is planned from the data and this machine, see OUT/plan.yaml."""

    data: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        arg(metavar="DATA [...]", help=TO_TRAIN_ON, help_behavior_hint="(required)"),
    ]
    out: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: runs/ and the data's name)")] = None
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: part of DATA is held out)")] = None
    val_fraction: Annotated[float, Planned] = TrainOptions.val_fraction
    plan: Annotated[str, arg(metavar="auto|off|FILE")] = TrainOptions.plan
    time: Annotated[str | None, arg(metavar="TIME", help_behavior_hint="(default: an hour or so)")] = None
    model: Annotated[str, Planned] = TrainOptions.model
    body_weights: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    mask_data: Annotated[tuple[Path, ...], arg(metavar="DATA [...]", help_behavior_hint="(default: none)")] = ()
    recipe: Annotated[Recipe, arg(name="")] = TrainOptions.recipe
    max_pixels: MaxPixels = None
    log: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: the file alone)")] = ()

    def run(self) -> int:
        started = time.monotonic()
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.train import train

        with Screen() as screen:
            try:
                outcome = train(self, screen, self.given(sys.argv[1:]), started)
            except KeyboardInterrupt:
                if screen.training is not None and not self.plan_only:
                    say(f"Interrupted. To go on: {self.command_to_go_on(screen.training)}")
                raise
        if outcome.best is not None and not manner.quiet:
            self.tell_next(outcome.best, outcome.out, outcome.placeholder)
        return 0

    def tell_next(self, best: Path, out: Path, things: str) -> None:
        """Say what to do with the model.

        Args:
            best: the best checkpoint.
            out: the folder of the training.
            things: what files like the data are called, in capitals.
        """
        say(f"The best model is {best}. Next, see what it finds, and what it misses:")
        say(f"  maskrcnn predict {things} --model {best} --out {out / 'pictures'}")
        say(f"  maskrcnn evaluate {self.val or f'LABELLED_{things}'} --model {best} --out {out / 'judged'}")

    def command_to_go_on(self, out: Path) -> str:
        """The command line that resumes this training."""
        command = ["maskrcnn", "train", *map(str, self.data), *(["--val", str(self.val)] if self.val else [])]
        return shlex.join([*command, "--out", str(out), *(["--log", *self.log] if self.log else []), "--resume"])

    def given(self, arguments: Sequence[str]) -> list[str]:
        """The settings of a plan that the command line names, even where it gives them their default."""
        flags = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
        names = ["model", "val_fraction", *(field.name for field in fields(Recipe))]
        return [name for name in names if f"--{name.replace('_', '-')}" in flags]
