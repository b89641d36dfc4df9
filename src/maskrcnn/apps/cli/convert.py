"""maskrcnn convert"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import LabelledImages, MaxPixels, Screen, conclude, tell_failures
from maskrcnn.checks import counted
from maskrcnn.jobs.options.convert import ConvertOptions


@dataclass(frozen=True)
class Convert(ConvertOptions):
    """Write labelled data in another format, with their images, and say what that format cannot hold."""

    data: LabelledImages
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    max_pixels: MaxPixels = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.convert import convert

        with Screen() as screen:
            done = convert(self, screen)
        classes = f"{len(done.class_names)} class{'' if len(done.class_names) == 1 else 'es'}"
        kind = "masks" if done.has_masks else "boxes"
        conclude(
            f"{counted(done.images, done.noun)} with {counted(done.objects, 'object')} ({kind}) of {classes} are in "
            f"{self.out} as {self.to}."
        )
        return tell_failures(done.failures)
