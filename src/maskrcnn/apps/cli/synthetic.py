"""maskrcnn synthetic"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.apps.cli.console import console
from maskrcnn.checks import at_least, counted, new_folder


@dataclass(frozen=True)
class Synthetic:
    """Make synthetic labelled volumes to try things on: touching blobs, tubes and shells with noise and blur."""

    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    """Folder for the volumes, empty or new; `maskrcnn train OUT` then works."""
    count: int = 40
    """How many volumes to make."""
    seed: int = 0
    """The same seed makes the same volumes."""
    shape: Annotated[tuple[int, int, int], arg(metavar="X Y Z")] = (64, 64, 64)
    """Voxels along x, y and z."""
    spacing: Annotated[tuple[float, float, float], arg(metavar="X Y Z")] = (1.0, 1.0, 1.0)
    """Distance from voxel to voxel: micrometres in TIFF stacks, millimetres in NIfTI."""
    diameter: float = 12.0
    """Of a typical blob, in the same unit; tubes are thinner, shells larger."""
    kinds: tuple[Literal["blobs", "tubes", "shells"], ...] = ("blobs", "tubes", "shells")
    """What to make; each kind is a class."""
    format: Literal["tiff", "nifti"] = "tiff"
    """TIFF stacks, or NIfTI files (.nii.gz)."""

    def run(self) -> int:
        at_least("count", self.count, 1)  # before anything loads torch, so that a slip costs no seconds
        at_least("seed", self.seed, 0)
        new_folder(self.out, "the volumes")
        from maskrcnn.jobs.synthetic import make_synthetic

        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("making", total=self.count)
            made = make_synthetic(
                self.out,
                self.count,
                self.seed,
                self.shape[::-1],
                self.spacing,
                self.kinds,
                self.diameter,
                self.format,
                lambda done: progress.update(task, completed=done),
            )
        *others, last = (counted(number, name) for name, number in made.objects.items())
        objects = f"{', '.join(others)} and {last}" if others else last
        print(
            f"{self.out} now holds {counted(made.volumes, 'synthetic volume')} with {objects}; to train on them: "
            f"maskrcnn train {self.out}"
        )
        return 0
