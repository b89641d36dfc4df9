"""Slices and projections of a volume as pictures: how a plane lies, what its sides are called, and its grey values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from maskrcnn.modalities.volumes.volume import Volume

AXES = ("z", "y", "x")
NAMES = ("axial", "coronal", "sagittal")  # of the planes across them, where a scan lies as RAS+ says
LETTERS = (("R", "L", "A", "P"), ("R", "L", "S", "I"), ("A", "P", "S", "I"))  # left, right, top, bottom
TAILS = (0.5, 99.7)  # percentiles that become black and white
SAMPLED = 400_000  # voxels of each channel whose percentiles stand for all


@dataclass(frozen=True)
class Plane:
    """A plane across one axis of a volume, as it is shown.

    Attributes:
        axis: 0, 1 or 2: across z, y or x.
        shape: rows and columns in voxels.
        extent: height and width in millimetres, or in voxels where the spacing is not known.
        turned: shown with its last row on top and its last column on the left, which is how radiologists look at a
            patient (from the feet, from the front, from the left): the right hand is at the picture's left.
    """

    axis: int
    shape: tuple[int, int]
    extent: tuple[float, float]
    turned: bool

    @property
    def name(self) -> str:
        return NAMES[self.axis] if self.turned else f"along {AXES[self.axis]}"

    @property
    def letters(self) -> tuple[str, str, str, str] | None:
        """Of the left, right, upper and lower side; None where nobody knows how the scan lies."""
        return LETTERS[self.axis] if self.turned else None

    def place(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Where points ``[..., 2]`` (column, row, continuous) lie in a picture of ``size`` (width, height)."""
        sides = np.array(self.shape[::-1], dtype=np.float64)
        straight = np.asarray(points, dtype=np.float64)
        return (sides - straight if self.turned else straight) * (np.array(size) / sides)

    def picture(self, levels: np.ndarray, size: tuple[int, int]) -> Image.Image:
        """An RGB picture of ``size`` (width, height) of uint8 ``[1 or 3, rows, columns]``."""
        shown = levels[:, ::-1, ::-1] if self.turned else levels
        small = Image.fromarray(np.ascontiguousarray(np.broadcast_to(shown, (3, *self.shape)).transpose(1, 2, 0)))
        larger = size[0] > small.width and size[1] > small.height
        return small.resize(size, Image.Resampling.BICUBIC if larger else Image.Resampling.LANCZOS)


def plane_across(volume: Volume, axis: int) -> Plane:
    """The plane across axis 0 (z), 1 (y) or 2 (x)."""
    sides = tuple(volume.samples.shape[1:])
    spacing = (1.0, 1.0, 1.0) if volume.spacing is None else tuple(volume.spacing[::-1])
    rows, columns = (k for k in range(3) if k != axis)
    extent = (sides[rows] * spacing[rows], sides[columns] * spacing[columns])
    return Plane(axis, (sides[rows], sides[columns]), extent, volume.affine is not None)


def shown_channels(samples: torch.Tensor) -> torch.Tensor:
    """The first channel of ``[C, ...]``, or all of three, which are red, green and blue."""
    return samples if samples.shape[0] == 3 else samples[:1]


def value_windows(samples: torch.Tensor, tails: tuple[float, float] = TAILS) -> np.ndarray:
    """The values of each channel of ``[C, ...]`` that become black and white, float64 ``[C, 2]``.

    A few very bright or dark voxels do not count: they are beyond the percentiles ``tails``.
    """
    windows = []
    for channel in samples:
        some = channel.reshape(-1)[:: _stride(channel.numel())].detach().cpu().double().numpy()
        low, high = np.percentile(some, tails).tolist()
        if high <= low:  # nearly all are alike; what differs is what there is to see
            low, high = float(channel.min()), float(channel.max())
        windows.append((low, high))
    return np.array(windows)


def _stride(count: int) -> int:
    """About one of how many voxels is looked at; odd and no usual extent, lest it keeps to some columns."""
    stride = max(1, count // SAMPLED)
    return stride if stride == 1 else stride | 1


def to_levels(samples: torch.Tensor, windows: np.ndarray) -> np.ndarray:
    """Values ``[C, ...]`` as uint8 between their channels' black and white; dark where a channel has one value."""
    values = samples.detach().cpu().double().numpy()
    low, high = windows.T.reshape(2, -1, *(1,) * (values.ndim - 1))
    parts = (values - low) / np.where(high > low, high - low, 1)
    return np.round(255 * np.where(high > low, parts, 0.2).clip(0, 1)).astype(np.uint8)
