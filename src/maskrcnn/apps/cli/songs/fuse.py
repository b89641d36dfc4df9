"""maskrcnn fuse"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude, tell_failures
from maskrcnn.checks import counted, duration
from maskrcnn.jobs.songs.options import FuseOptions


@dataclass(frozen=True)
class Fuse(FuseOptions):
    """Mix the best parts of several songs: those that a model of whole songs says speak most for its label. They are
    cut on bars, brought close in tempo and key, made equally loud and crossfaded. Needs the extra `songs`."""

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, arg(metavar="FILE|FOLDER", help_behavior_hint="")] = ()
    model: Annotated[str | None, arg(metavar="NAME|FILE", help_behavior_hint="(needed)")] = None
    length: Annotated[str, arg(metavar="TIME")] = FuseOptions.length
    label: Annotated[str, arg(metavar="NAME", help_behavior_hint="(default: the only one)")] = ""

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.songs.fuse import fuse

        with Screen() as screen:
            done = fuse(self, screen)
        conclude(
            f"{done.out}: {duration(done.seconds)} of {counted(len(done.rows), 'part')} of "
            f"{counted(done.songs, 'song')}, {done.loudness:.1f} LUFS, peaks at {done.peak:.1f} dBTP. Which part comes "
            f"from where: {done.out.with_suffix('.csv')} and {done.out.with_suffix('.png')}"
        )
        return tell_failures(done.failures)
