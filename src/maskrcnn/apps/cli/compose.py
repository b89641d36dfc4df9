"""maskrcnn compose"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude, tell_failures
from maskrcnn.checks import counted
from maskrcnn.jobs.options.compose import ComposeOptions


@dataclass(frozen=True)
class Compose(ComposeOptions):
    """Compose labelled recordings of clips of one spoken word each: random order, gaps, overlaps, gains and noise."""

    folder: Annotated[Path, tyro.conf.Positional, arg(metavar="FOLDER")]
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    speakers: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: all)")] = ()

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.compose import compose

        with Screen() as screen:
            made = compose(self, screen)
        conclude(
            f"{counted(made.recordings, 'recording')} ({made.seconds / 60:.1f} minutes) with "
            f"{counted(made.intervals, 'labelled word')} by {', '.join(made.speakers)} are in {self.out}, each with an "
            "Audacity label track."
        )
        return tell_failures(made.failures)
