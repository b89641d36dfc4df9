"""What rendered people wear and stand before: colours and patterns from noise, and crops of photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIDE = 128  # pixels of a texture


def noise(rng: np.random.Generator, height: int, width: int, coarsest: int = 4) -> np.ndarray:
    """Smooth noise of several scales.

    Args:
        rng: all that is drawn follows from it.
        height: of the picture.
        width: of the picture.
        coarsest: cells a side of the coarsest scale.

    Returns:
        float32 ``[height, width]``, 0..1.
    """
    total: np.ndarray = np.zeros((height, width), np.float32)
    weight, cells = 0.0, coarsest
    while cells < max(height, width):
        grid = torch.from_numpy(rng.random((1, 1, cells, cells), np.float32))
        own = F.interpolate(grid, (height, width), mode="bilinear", align_corners=True)[0, 0].numpy()
        share = rng.random() * coarsest / cells + 0.1 * coarsest / cells
        total, weight, cells = total + share * own, weight + share, cells * 3
    low, high = total.min(), total.max()
    scaled: np.ndarray = (total - low) / max(high - low, 1e-6)
    return scaled


def colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of cloth, float32 ``[3]`` in 0..1: greys and dark ones more often than bright ones."""
    grey = rng.random()
    mixed = grey + (rng.random(3) - grey) * rng.choice([0.1, 0.4, 1.0])
    picked: np.ndarray = mixed.astype(np.float32)
    return picked


class Photos:
    """Crops of the photos of a folder; of none, noise takes their place.

    Args:
        paths: of the photos.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def crop(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A piece of one photo, of any size, brought to the one that is asked for.

        Args:
            rng: all that is drawn follows from it.
            height: of the piece.
            width: of the piece.

        Returns:
            float32 ``[height, width, 3]``, 0..1.
        """
        if not self.paths:
            return self.made_up(rng, height, width)
        path = self.paths[rng.integers(len(self.paths))]
        try:
            with Image.open(path) as photo:
                whole = photo.convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):  # one bad photo ends no long job
            return self.made_up(rng, height, width)
        part = rng.uniform(0.35, 1.0)
        scale = part * min(whole.width / width, whole.height / height)
        w, h = max(width * scale, 1), max(height * scale, 1)
        x, y = rng.random() * (whole.width - w), rng.random() * (whole.height - h)
        cut = whole.resize((width, height), Image.Resampling.BILINEAR, (x, y, x + w, y + h), reducing_gap=2.0)
        if rng.random() < 0.5:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(cut, np.float32) / 255

    def made_up(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A picture of noise in the place of a photo.

        Args:
            rng: all that is drawn follows from it.
            height: of the picture.
            width: of the picture.

        Returns:
            float32 ``[height, width, 3]``, 0..1.
        """
        mixed = noise(rng, height, width, int(rng.integers(2, 8)))[..., None]
        grain = rng.normal(0, 0.03, (height, width, 1)).astype(np.float32)
        made: np.ndarray = (colour(rng) * mixed + colour(rng) * (1 - mixed) + grain).clip(0, 1)
        return made


def texture(rng: np.random.Generator, photos: Photos) -> np.ndarray:
    """A piece of cloth that repeats, float32 ``[SIDE, SIDE, 3]`` in 0..1: plain, mottled, striped, checked, or cut
    from a photo."""
    kind = rng.choice(["plain", "mottled", "stripes", "checks", "photo"], p=[0.35, 0.2, 0.15, 0.1, 0.2])
    first, second = colour(rng), colour(rng)
    if kind == "photo":
        return photos.crop(rng, SIDE, SIDE)
    if kind == "mottled":
        mixed = noise(rng, SIDE, SIDE, int(rng.integers(2, 12)))[..., None]
    else:
        place = np.arange(SIDE, dtype=np.float32) / SIDE
        bars = ((place * rng.integers(2, 12)) % 1 < rng.uniform(0.2, 0.8)).astype(np.float32)
        across = bars[None] if rng.random() < 0.5 else bars[:, None]
        mixed = {"plain": np.zeros((SIDE, SIDE)), "stripes": across + np.zeros((SIDE, SIDE))}.get(
            kind, (bars[None] + bars[:, None]) / 2
        )[..., None]
    made: np.ndarray = (first * (1 - mixed) + second * mixed).astype(np.float32)
    return made


def read_texture(cloth: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Colours ``[P, 3]`` of ``cloth`` at places ``[P, 2]``, in repeats of it."""
    at = np.floor(places * SIDE).astype(np.int64) % SIDE
    colours: np.ndarray = cloth[at[:, 1], at[:, 0]]
    return colours
