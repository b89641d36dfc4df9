"""maskrcnn synthetic people"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import counted
from maskrcnn.jobs.options.synthetic import PeopleOptions


@dataclass(frozen=True)
class SyntheticPeople(PeopleOptions):
    """Make pictures of rendered people whose every pixel is labelled: mask, box, 17 joints, and where on the surface
    of the body it lies. Needs the extra `bodies`; written `maskrcnn synthetic people OUT`, too."""

    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    photos: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: noise)")] = PeopleOptions.photos

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.synthetic.people import make_people

        with Screen() as screen:
            made = make_people(self, screen)
        conclude(
            f"{self.out} now holds {counted(made.pictures, 'picture')} of {counted(made.people, 'rendered person')}; "
            f"part, u and v of each pixel are in {self.out / 'iuv'}"
        )
        return 0
