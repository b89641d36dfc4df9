"""maskrcnn synthetic"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import counted
from maskrcnn.jobs.options.synthetic import SyntheticOptions


@dataclass(frozen=True)
class Synthetic(SyntheticOptions):
    """Make synthetic labelled volumes to try things on: touching blobs, tubes and shells with noise and blur."""

    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    shape: Annotated[tuple[int, int, int], arg(metavar="X Y Z")] = SyntheticOptions.shape
    spacing: Annotated[tuple[float, float, float], arg(metavar="X Y Z")] = SyntheticOptions.spacing

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.synthetic import make_synthetic

        with Screen() as screen:
            made = make_synthetic(self, screen)
        *others, last = (counted(number, name) for name, number in made.objects.items())
        objects = f"{', '.join(others)} and {last}" if others else last
        conclude(
            f"{self.out} now holds {counted(made.volumes, 'synthetic volume')} with {objects}; to train on them: "
            f"maskrcnn train {self.out}"
        )
        return 0
