"""What ``maskrcnn synthetic`` and ``maskrcnn synthetic people`` are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskrcnn.checks import at_least, between, new_folder
from maskrcnn.errors import UsageError
from maskrcnn.files import is_folder


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


@dataclass(frozen=True)
class PeopleOptions:
    """How many pictures of rendered people are made, and what they stand before."""

    out: Path
    """Folder for the pictures, empty or new; `maskrcnn train OUT` then works."""
    count: int = 100
    """How many pictures to make."""
    seed: int = 0
    """The same seed makes the same pictures."""
    size: int = 256
    """Pixels a side."""
    photos: Path | None = None
    """Folder of photos to stand before and to cut cloth from; without it noise takes their place."""
    points: int = 150
    """Surface points that are written of each person, at most; the IUV picture has every pixel."""
    first: int = 1
    """Number of the first picture, so that several runs share the work: picture k follows from the seed and k alone."""

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed and a folder that holds something."""
        at_least("count", self.count, 1)
        at_least("seed", self.seed, 0)
        at_least("points", self.points, 1)
        at_least("first", self.first, 1)
        between("size", self.size, 64, 2048)
        if self.photos is not None and not is_folder(self.photos):
            raise UsageError(f"--photos {self.photos} is no folder of photos.")
        new_folder(self.out, "the pictures")
