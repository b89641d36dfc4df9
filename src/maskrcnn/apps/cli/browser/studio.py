"""maskrcnn studio"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import MaxPixels, conclude, manner, say
from maskrcnn.checks import counted
from maskrcnn.jobs.models import DEFAULT_MODEL
from maskrcnn.jobs.studio.options import StudioOptions


@dataclass(frozen=True)
class Studio(StudioOptions):
    """Label images in the browser, with a Mask R-CNN at hand that you train as you label."""

    data: Annotated[Path, tyro.conf.Positional, arg(metavar="FOLDER|DATA")]
    port: Annotated[int, arg(metavar="INT", help_behavior_hint="(default: one that is free)")] = 0
    model: Annotated[str, arg(metavar="NAME|FILE|none")] = DEFAULT_MODEL
    journal: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: .maskrcnn in the folder)")] = (
        None
    )
    max_pixels: MaxPixels = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.apps.http.serve import listen, serve
        from maskrcnn.apps.studio.app import create_app
        from maskrcnn.jobs.studio.desk import Desk

        place = listen(self.host, self.port)
        desk = Desk(self, sys.modules["maskrcnn"].__version__)
        try:
            own = desk.project
            if not manner.quiet:
                for problem in own.labels.problems[:5]:
                    say(f"note: {problem}")
                if own.opened.was:
                    say(f"note: {own.opened.was} is not edited where it lies: labels are saved as COCO.")
                say(f"{counted(len(own.labels.images), 'image')}; labels go to {own.labels.path} ({own.opened.form}).")

            def ready() -> None:
                print(f"Studio: {place.address}", flush=True)
                if not manner.quiet:
                    say("Ctrl+C ends it; every stroke is on the disk as soon as it is drawn.")

            with contextlib.suppress(KeyboardInterrupt):  # the usual end
                serve(create_app(desk, desk.version), place, not self.no_browser, ready)
        finally:
            desk.close()
        conclude(f"The labels are in {own.labels.path}." if own.is_labelled() else "Nothing was labelled.")
        return 0
