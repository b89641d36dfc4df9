"""maskrcnn import"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import few
from maskrcnn.jobs.options.import_model import ImportOptions

AS_PUBLISHED = "(default: as published, or 1e-5)"


@dataclass(frozen=True)
class Import(ImportOptions):
    """Write a checkpoint of torchvision's or detectron2's as a model file, and say what of it went where."""

    checkpoint: Annotated[Path, tyro.conf.Positional, arg(metavar="FILE")]
    out: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="(default: FILE with .safetensors)")] = None
    classes: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: COCO's)")] = ()
    norm_eps: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=AS_PUBLISHED)] = None
    recorded: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="(default: none)")] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.import_model import import_model

        with Screen() as screen:
            done = import_model(self, screen)
        conclude(f"{self.checkpoint} is {done.source}: {few(done.class_names)}.")
        conclude("\n".join(done.lines))
        conclude(f"Written to {done.out}; use it with --model {done.out}")
        return 0
