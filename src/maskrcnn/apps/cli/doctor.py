"""maskrcnn doctor"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from tyro.conf import arg

from maskrcnn.apps.cli.console import Data, MaxPixels, Screen
from maskrcnn.jobs.options.doctor import DoctorOptions

Whole = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: planned)")]


@dataclass(frozen=True)
class Doctor(DoctorOptions):
    """Look at labelled data before training: what is wrong, how to mend it, what `maskrcnn train` would do and need.

    Exit code 0 healthy (perhaps with warnings), 1 faults found, 2 could not be read.
    """

    data: Data
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: none)")] = None
    plan: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: planned)")] = None
    task: Annotated[
        Literal["instances", "semantic"] | None,
        arg(metavar="instances|semantic", help_behavior_hint="(default: what the data are labelled for)"),
    ] = None
    model: Annotated[str | None, arg(metavar="STR", help_behavior_hint="(default: planned)")] = None
    image_size: Whole = None
    smallest_anchor: Whole = None
    batch: Whole = None
    epochs: Whole = None
    max_pixels: MaxPixels = None
    json: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.apps.cli.diagnosis import tell
        from maskrcnn.jobs.doctor import examine

        with Screen() as screen:
            diagnosis = examine(self, screen)
        tell(diagnosis, Console(highlight=False, markup=False, emoji=False), self.train_arguments())
        return 1 if diagnosis.count("error") else 0

    def train_arguments(self) -> str:
        """What to give `maskrcnn train` to train as was looked at here."""
        flags = {"val": self.val, "plan": self.plan, "labels": self.labels or None} | self.settings()
        named = (f"--{name.replace('_', '-')} {value}" for name, value in flags.items() if value is not None)
        return " ".join([str(self.data), *named])
