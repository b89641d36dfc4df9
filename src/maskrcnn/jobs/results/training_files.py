"""What a training leaves for a look and for a spreadsheet: samples as the model sees them, and the log as a table."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.transforms.samples import AugmentConfig, Sample, TrainTransform
from maskrcnn.drawing.colours import BLACK
from maskrcnn.drawing.overlay import draw
from maskrcnn.drawing.page import TEXT_SIZE, font_of
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.modalities.table import kinds
from maskrcnn.regions import AxisMap, Regions

SAMPLES, RESULTS = "samples.jpg", "results.csv"
SHOWN, ACROSS = 8, 4
CELL, GAP = 400, 8  # pixels
LINE = 22  # pixels from a line of words to the next
QUALITY = 90


def write_samples(out: Path, data: Dataset, preprocess: PreprocessConfig, augment: AugmentConfig, seed: int) -> bool:
    """Draw the first samples of a training with their labels, cropped, turned and coloured as the model sees them.

    Args:
        out: the folder of the training.
        data: that is trained on.
        preprocess: of the model.
        augment: how samples are varied.
        seed: of the training.

    Returns:
        Whether there is such a picture: not of recordings or scans, nor where no image can be read.
    """
    if not kinds()[data.kind].is_picture:
        return False
    transform = TrainTransform(augment, preprocess, mirror_keypoints(data.keypoint_names) or None)
    try:
        tiles = _first_samples(data, transform, preprocess, seed)
    except DataError:  # the training itself will say so
        return False
    if not tiles:
        return False
    with atomic_write(out / SAMPLES) as beside:
        sheet_of(tiles[:SHOWN]).save(beside, quality=QUALITY)
    return True


def sheet_of(tiles: Sequence[Image.Image], words: str = "") -> Image.Image:
    """Several pictures on one page, each shrunk to a cell where it is larger; ``words`` above them."""
    for tile in tiles:
        tile.thumbnail((CELL, CELL))
    rows = [tiles[k : k + ACROSS] for k in range(0, len(tiles), ACROSS)]
    width = len(rows[0]) * (CELL + GAP) - GAP
    lines = wrapped(words, width - 2 * GAP)
    top = 2 * GAP + LINE * len(lines) if lines else 0
    heights = [max(tile.height for tile in row) + GAP for row in rows]
    sheet = Image.new("RGB", (width, top + sum(heights) - GAP), "white")
    for k, line in enumerate(lines):
        ImageDraw.Draw(sheet).text((GAP, GAP + LINE * k), line, BLACK, font_of(TEXT_SIZE), anchor="lt")
    for row, height in zip(rows, heights):
        for k, tile in enumerate(row):
            sheet.paste(tile, (k * (CELL + GAP), top))
        top += height
    return sheet


def wrapped(words: str, width: float) -> list[str]:
    """Words in lines of at most ``width`` pixels, but for a word that is longer by itself."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font_of(TEXT_SIZE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write_results(out: Path) -> bool:
    """Write the training's log as a table: a row a line of ``log.jsonl``, a column a number; False without a log."""
    log = out / "log.jsonl"
    if not is_file(log):
        return False
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]
    names = list(dict.fromkeys(name for line in lines for name, value in line.items() if not isinstance(value, dict)))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(lines)
    with atomic_write(out / RESULTS) as beside:
        beside.write_text(text.getvalue(), encoding="utf-8")
    return True


def _first_samples(
    data: Dataset, transform: TrainTransform, preprocess: PreprocessConfig, seed: int
) -> list[Image.Image]:
    tiles: list[Image.Image] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # images that cannot be read are named by the training, once
        for samples in epoch_loader(data, transform, 1, Epoch(seed), 0):
            tiles += [_draw(sample, data, preprocess) for sample in samples]
            if len(tiles) >= SHOWN:
                break
    return tiles


def _draw(sample: Sample, data: Dataset, preprocess: PreprocessConfig) -> Image.Image:
    """A sample as a picture: without padding, in the colours of the file, its masks on its own pixels."""
    height, width = sample.shown or tuple(sample.image.shape[1:])
    mean = torch.tensor(preprocess.pixel_mean)[:, None, None]
    deviation = torch.tensor(preprocess.pixel_std)[:, None, None]
    image = (sample.image[:, :height, :width] * deviation + mean).clamp(0, 255)
    target = sample.target
    if target.regions is not None:
        regions = target.regions
        masks = [moved_mask(regions.mask(i), regions.axis_map, (height, width)) for i in range(len(target))]
        target = replace(target, regions=Regions.from_masks(masks, (height, width)))
    return draw(image, target, data.class_names)


def moved_mask(mask: np.ndarray, axis_map: AxisMap | None, shape: tuple[int, int]) -> np.ndarray:
    """A mask of a file on the pixels of a sample: each is what the file has under its centre.

    Args:
        mask: bool ``[H, W]`` of the file.
        axis_map: from the file to the sample; None: they are one.
        shape: height and width of the sample.

    Returns:
        bool ``[height, width]``.
    """
    back = (axis_map or AxisMap.identity(mask.ndim)).inverse()
    axes = zip(shape[::-1], back.scale, back.shift)
    sides = [np.floor((np.arange(size) + 0.5) * s + t).astype(np.int64) for size, s, t in axes]
    x, y = (np.clip(side, 0, most - 1) for side, most in zip(sides, mask.shape[::-1]))
    inside = [(side >= 0) & (side < most) for side, most in zip(sides, mask.shape[::-1])]
    moved: np.ndarray = mask[np.ix_(y, x)] & inside[1][:, None] & inside[0]
    return moved
