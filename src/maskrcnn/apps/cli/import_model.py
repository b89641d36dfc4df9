"""maskrcnn import"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import say
from maskrcnn.checks import MODEL_SUFFIX, few, model_file
from maskrcnn.errors import UsageError
from maskrcnn.files import exists


@dataclass(frozen=True)
class Import:
    """Write a checkpoint of torchvision's or detectron2's as a model file, and say what of it went where."""

    checkpoint: Annotated[Path, tyro.conf.Positional, arg(metavar="FILE")]
    """Checkpoint of a Mask, Faster or Keypoint R-CNN (.pth, .pkl); it is read without running anything of it."""
    out: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="(default: FILE with .safetensors)")] = None
    """Model file to write; every command then takes it as --model."""
    classes: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: COCO's)")] = ()
    """Names of its classes in order, without background, if they are not COCO's."""
    norm_eps: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: as published, or 1e-5)")] = (
        None
    )
    """Epsilon of the body's norms, which no file says: 0 for a model trained from torchvision's first COCO weights."""
    recorded: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="(default: none)")] = None
    """Outputs of the same checkpoint in its own framework, to compare stage by stage (tools/parity/record_stages.py
    writes them)."""

    def run(self) -> int:
        # before anything loads torch, so that a slip costs no seconds
        out = self.out if self.out is not None else self.checkpoint.with_suffix(MODEL_SUFFIX)
        if self.norm_eps is not None and not 0 <= self.norm_eps < 1:
            raise UsageError(f"--norm-eps must be at least 0 and less than 1, not {self.norm_eps}.")
        model_file(out)
        for path in (self.checkpoint, *([self.recorded] if self.recorded else [])):
            if not exists(path):
                raise UsageError(f"{path} does not exist; check the name.")
        from maskrcnn.jobs.models import import_model

        info, report = import_model(self.checkpoint, out, self.classes or None, self.norm_eps, self.recorded)
        print(f"{self.checkpoint} is {report.source}: {few(info.class_names)}.")
        print("\n".join(report.lines()))
        for note in report.notes:
            say(f"note: {note}")
        print(f"Written to {out}; use it with --model {out}")
        return 0
