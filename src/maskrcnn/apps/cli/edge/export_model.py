"""maskrcnn export"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import counted
from maskrcnn.jobs.options.export_model import ExportOptions

AS_PREDICT = "(default: as predict)"
BUDGETS = "(default: 0.002, with --fp16 0.003, with --int8 0.01)"
CALIBRATED = "(default: as --verify)"


@dataclass(frozen=True)
class Export(ExportOptions):
    """Write a model as a file for small computers, which maskrcnn-runtime runs without torch: graphs for onnxruntime.
    It is run and compared with the model before it is kept."""

    model: Annotated[str, tyro.conf.Positional, arg(metavar="NAME|FILE")]
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    image_size: Annotated[int | None, arg(metavar="INT", help_behavior_hint=AS_PREDICT)] = None
    verify: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: the examples)")] = None
    max_drop: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=BUDGETS)] = None
    verify_images: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: all)")] = None
    calibrate: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint=CALIBRATED)] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.edge.export_model import export_model

        with Screen() as screen:
            done = export_model(self, screen)
        if done.proof is not None:
            for line in done.proof.lines():
                conclude(line)
            conclude(f"Measured on {counted(done.proof.images, 'image')} of {done.data}, by running the file.")
        conclude(f"Written to {done.out}: {done.megabytes:.1f} MB, weights in {done.precision}.")
        return 0
