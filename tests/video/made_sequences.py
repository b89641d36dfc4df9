"""Small labelled sequences: a coloured object that moves over a pattern, with a picture of numbers for each frame."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.video.labelled.frames import write_video

SHAPE = (48, 64)
COLOURS = ((220, 30, 30), (30, 200, 60), (40, 60, 230))


def moving(frames, seed, size=(16, 12), speed=(0, 2)):
    """Frames uint8 ``[H, W, 3]`` and masks bool ``[H, W]``; the mask is an L, so that a mirror tells."""
    rng = np.random.default_rng(seed)
    pattern = np.repeat(rng.integers(90, 160, (*SHAPE, 1), dtype=np.uint8), 3, 2)
    images, masks = [], []
    for k in range(frames):
        mask = np.zeros(SHAPE, bool)
        top, left = 10 + speed[0] * k, 6 + speed[1] * k
        mask[top : top + size[0], left : left + size[1]] = True
        mask[top : top + size[0] // 2, left + size[1] // 2 : left + size[1]] = False
        image = pattern.copy()
        image[mask] = COLOURS[seed % 3]
        images.append(image)
        masks.append(mask)
    return images, masks


def write_sequences(folder: Path, names, frames=8, labels="masks", as_video=True) -> Path:
    """``videos/NAME.mp4`` or ``videos/NAME/``, and ``masks/NAME/NNNNN.png``, of one object each."""
    for seed, name in enumerate(names):
        images, masks = moving(frames, seed)
        (folder / labels / name).mkdir(parents=True)
        for k, mask in enumerate(masks):
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / labels / name / f"{k:05d}.png")
        if as_video:
            (folder / "videos").mkdir(exist_ok=True)
            write_video(folder / "videos" / f"{name}.mp4", images, Fraction(10))
            continue
        (folder / "videos" / name).mkdir(parents=True)
        for k, image in enumerate(images):
            Image.fromarray(image).save(folder / "videos" / name / f"{k}.png")
    (folder / "classes.json").write_text(json.dumps(dict.fromkeys(names, "disc")))
    return folder
