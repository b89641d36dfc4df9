"""Random labelled scenes and detections of them: some close to an object, some far, with crowds and empty images."""

from __future__ import annotations

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

HEIGHT, WIDTH = 240, 260


def random_ellipses(rng: np.random.Generator, n: int) -> list[tuple[tuple[int, int], np.ndarray]]:
    """Pairs (offset, mask) of sizes from a few pixels to most of the canvas."""
    windows = []
    for _ in range(n):
        height, width = (np.exp(rng.uniform(1.1, 5.3, 2))).astype(int) + 1
        top, left = rng.integers(0, HEIGHT - height + 1), rng.integers(0, WIDTH - width + 1)
        y, x = np.ogrid[:height, :width]
        inside = ((2 * y + 1) / height - 1) ** 2 + ((2 * x + 1) / width - 1) ** 2 <= 1
        windows.append(((int(top), int(left)), inside))
    return windows


def nudge(rng: np.random.Generator, window: tuple[tuple[int, int], np.ndarray]) -> tuple[tuple[int, int], np.ndarray]:
    (top, left), mask = window
    top, left = np.maximum(np.array([top, left]) + rng.integers(-3, 4, 2), 0)
    return (int(top), int(left)), mask[: HEIGHT - top, : WIDTH - left]


def random_scene(rng: np.random.Generator, num_classes: int, objects: int, extras: int) -> tuple[Record, Instances]:
    truth = random_ellipses(rng, int(rng.integers(0, objects + 1)))
    found = [nudge(rng, w) for w in truth if rng.random() < 0.8]
    found += random_ellipses(rng, int(rng.integers(0, extras + 1)))
    regions = Regions.from_windows((HEIGHT, WIDTH), truth)
    labels = rng.integers(1, num_classes + 1, len(truth))
    record = Record(
        source="",
        image_id=0,
        file_name="",
        spatial_shape=(HEIGHT, WIDTH),
        boxes=regions.boxes(),
        labels=labels,
        regions=regions,
        crowd=rng.random(len(truth)) < 0.15,
    )
    covers = Regions.from_windows((HEIGHT, WIDTH), found)
    scores = rng.permutation(len(found)) / max(1, len(found)) + 0.3 * rng.random()
    detections = Instances(
        boxes=torch.from_numpy(covers.boxes()),
        labels=torch.from_numpy(rng.integers(1, num_classes + 1, len(found))),
        scores=torch.from_numpy(scores.astype(np.float32)),
        regions=covers,
    )
    return record, detections


def random_scenes(
    seed: int, images: int, num_classes: int = 2, objects: int = 6, extras: int = 6
) -> tuple[list[Record], list[Instances]]:
    rng = np.random.default_rng(seed)
    pairs = [random_scene(rng, num_classes, objects, extras) for _ in range(images)]
    return [record for record, _ in pairs], [found for _, found in pairs]
