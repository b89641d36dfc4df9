"""maskrcnn track"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import counted
from maskrcnn.jobs.options.track import TrackFileOptions


@dataclass(frozen=True)
class Track(TrackFileOptions):
    """Give the detections of another program numbers that stay with their objects from frame to frame."""

    detections: Annotated[Path, tyro.conf.Positional, arg(metavar="DETECTIONS")]

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.sequences.track import track

        with Screen() as screen:
            done = track(self, screen)
        left = f"; {done.left_out} detections of what was seen too rarely were left out" if done.left_out else ""
        conclude(
            f"{counted(done.objects, 'object')} in {counted(done.frames, 'frame')} "
            f"({counted(done.detections, 'detection')}): {done.out}{left}"
        )
        return 0
