"""What ``maskrcnn synthetic`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskrcnn.checks import at_least, new_folder


@dataclass(frozen=True)
class SyntheticOptions:
    """How many synthetic volumes are made, how large they are, and what is in them."""

    out: Path
    """Folder for the volumes, empty or new; `maskrcnn train OUT` then works."""
    count: int = 40
    """How many volumes to make."""
    seed: int = 0
    """The same seed makes the same volumes."""
    shape: tuple[int, int, int] = (64, 64, 64)
    """Voxels along x, y and z."""
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Distance from voxel to voxel: micrometres in TIFF stacks, millimetres in NIfTI."""
    diameter: float = 12.0
    """Of a typical blob, in the same unit; tubes are thinner, shells larger."""
    kinds: tuple[Literal["blobs", "tubes", "shells"], ...] = ("blobs", "tubes", "shells")
    """What to make; each kind is a class."""
    format: Literal["tiff", "nifti"] = "tiff"
    """TIFF stacks, or NIfTI files (.nii.gz)."""

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed and a folder that holds something."""
        at_least("count", self.count, 1)
        at_least("seed", self.seed, 0)
        new_folder(self.out, "the volumes")
