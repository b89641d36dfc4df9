"""maskrcnn compose"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.apps.cli.console import console, tell_failures
from maskrcnn.checks import CLIPS, at_least, counted, existing_folder, new_folder


@dataclass(frozen=True)
class Compose:
    """Compose labelled recordings of clips of one spoken word each: random order, gaps, overlaps, gains and noise."""

    folder: Annotated[Path, tyro.conf.Positional, arg(metavar="FOLDER")]
    """Clips named LABEL_SPEAKER_TAKE.wav, such as 7_jackson_12.wav."""
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    """Folder for the recordings, empty or new; `maskrcnn train OUT` then works."""
    speakers: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: all)")] = ()
    """Whose clips to take; a recording is of one speaker, and they take turns."""
    count: int = 200
    """How many recordings of 3 to 10 words to make, about 5 seconds each."""
    seed: int = 0
    """The same seed makes the same recordings."""

    def run(self) -> int:
        at_least("count", self.count, 1)  # before anything loads torch, so that a slip costs no seconds
        at_least("seed", self.seed, 0)
        existing_folder(self.folder, CLIPS)
        new_folder(self.out, "the recordings")
        from maskrcnn.jobs.compose import compose, find_clips

        clips = find_clips(self.folder, self.speakers)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("composing", total=self.count)
            made = compose(clips, self.out, self.count, self.seed, lambda done: progress.update(task, completed=done))
        print(
            f"{counted(made.recordings, 'recording')} ({made.seconds / 60:.1f} minutes) with "
            f"{counted(made.intervals, 'labelled word')} by {', '.join(made.speakers)} are in {self.out}, each with an "
            "Audacity label track."
        )
        return tell_failures(made.failures)
