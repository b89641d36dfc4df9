"""maskrcnn compose"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude, tell_failures
from maskrcnn.checks import counted
from maskrcnn.jobs.options.compose import RECORDINGS, SEQUENCES, ComposeOptions

ALL = "(default: all)"
HOW_MANY = f"(default: {RECORDINGS} recordings, {SEQUENCES} sequences)"


@dataclass(frozen=True)
class Compose(ComposeOptions):
    """Compose labelled recordings of clips of one spoken word each, or labelled videos of others. Words come in random
    order with gaps, overlaps, gains and noise; objects of videos pass before and behind each other."""

    folder: Annotated[Path, tyro.conf.Positional, arg(metavar="FOLDER")]
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    speakers: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint=ALL)] = ()
    sequences: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint=ALL)] = ()
    count: Annotated[int | None, arg(metavar="INT", help_behavior_hint=HOW_MANY)] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        return self._of_videos() if self.sequences_inside() else self._of_words()

    def _of_words(self) -> int:
        from maskrcnn.jobs.compose import compose

        with Screen() as screen:
            made = compose(self, screen)
        conclude(
            f"{counted(made.recordings, 'recording')} ({made.seconds / 60:.1f} minutes) with "
            f"{counted(made.intervals, 'labelled word')} by {', '.join(made.speakers)} are in {self.out}, each with an "
            "Audacity label track."
        )
        return tell_failures(made.failures)

    def _of_videos(self) -> int:
        from maskrcnn.jobs.sequences.compose import compose_sequences

        with Screen() as screen:
            made = compose_sequences(self, screen)
        conclude(
            f"{counted(made.sequences, 'sequence')} ({counted(made.frames, 'frame')}) with "
            f"{counted(made.objects, 'labelled object')} are in {self.out}."
        )
        return tell_failures(made.failures)
