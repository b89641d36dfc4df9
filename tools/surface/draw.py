"""Draw what a surface head says of photos: parts with isolines of u and v, and a texture on people.

python tools/surface/draw.py MODEL PHOTOS... --out found.jpg [--score 0.5]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from charts import LINES, colours
from PIL import Image

from maskrcnn.inference.options import PredictOptions
from maskrcnn.inference.predictor import Predictor

HEIGHT = 360


@dataclass(frozen=True)
class Draw:
    model: Annotated[Path, tyro.conf.Positional]
    """Model with a surface head."""
    photos: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Photos, a row of the picture each."""
    out: Path
    """Picture to write."""
    score: float = 0.5
    """Of the people that are drawn, at least."""


def drawn(photo: np.ndarray, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Parts ``[H, W]`` in colours over the photo, with lines of equal u and v."""
    shown = photo.copy()
    on = parts > 0
    shown[on] = 0.35 * photo[on] + 0.65 * colours(24)[parts[on]]
    steps = np.stack([parts, *np.floor(uv * LINES)])
    for axis in (1, 2):
        edge = (np.diff(steps, axis=axis, append=0) != 0).any(0) & on
        shown[edge] *= 0.45
    return shown


def worn(photo: np.ndarray, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """A chequered cloth on every part, lit as the photo is."""
    on = parts > 0
    tiles = (np.floor(uv[0] * 6) + np.floor(uv[1] * 6)) % 2
    cloth = np.where(tiles[..., None] > 0, colours(24)[parts], 245.0)
    light = photo.mean(2, keepdims=True) / 140
    shown = photo.copy()
    shown[on] = (cloth * light.clip(0.25, 1.3))[on].clip(0, 255)
    return shown


def main() -> None:
    flags = tyro.cli(Draw)
    predictor = Predictor.load(flags.model)
    rows = []
    for path in flags.photos:
        photo = np.asarray(Image.open(path).convert("RGB")).astype(np.float32)
        options = PredictOptions(score=flags.score, surface=True)
        found = predictor(torch.from_numpy(photo).movedim(2, 0), options=options)
        parts, uv = np.zeros(photo.shape[:2], int), np.zeros((2, *photo.shape[:2]), np.float32)
        for i in range(len(found) - 1, -1, -1):  # the surest is drawn last
            where = found.surface.window(i)
            inside = found.surface.parts[i] > 0
            if found.regions is not None:
                inside &= found.regions.mask(i)[where]
            parts[where][inside] = found.surface.parts[i][inside]
            uv[(slice(None), *where)][:, inside] = found.surface.uv[i][:, inside]
        looks = [photo, drawn(photo, parts, uv), worn(photo, parts, uv)]
        width = round(HEIGHT * photo.shape[1] / photo.shape[0])
        rows.append(np.hstack([np.asarray(Image.fromarray(x.astype(np.uint8)).resize((width, HEIGHT))) for x in looks]))
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 8), (0, widest - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.vstack(padded)).save(flags.out, quality=88)


if __name__ == "__main__":
    main()
