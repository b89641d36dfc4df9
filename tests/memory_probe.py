"""Run as a program: does one job in a process of its own and prints the most megabytes that it took beyond what the
process held before, a small job of the same kind included.

    python tests/memory_probe.py predict MODEL FOLDER    300 objects in a photo of 4000 x 6000 pixels
    python tests/memory_probe.py train OBJECTS           a step on an image of 2048 x 2048 with that many objects
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import maskrcnn
from cases import small_model
from maskrcnn.config import BackboneConfig, PreprocessConfig
from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.data.transforms.copy_paste import copy_paste
from maskrcnn.data.transforms.samples import Sample, TrainTransform
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.losses.objective import Objective
from maskrcnn.modalities.images.predict import predict_files
from maskrcnn.regions import Regions
from maskrcnn.structures import Record
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.optimizer import make_optimizer
from maskrcnn.training.step import train_step

PEOPLE = ("hopper.jpg", "astronaut.jpg", "photographer.jpg")
PLAIN = PreprocessConfig((127.5,) * 3, (127.5,) * 3)


def megabytes(name: str) -> float:
    """``VmRSS`` (held now) or ``VmHWM`` (the most so far) of this process, as Linux counts them."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def forget_peak() -> float:
    """What is held now; the most so far begins anew from it."""
    Path("/proc/self/clear_refs").write_text("5")
    return megabytes("VmRSS")


def mosaic(path: Path, height: int, width: int, side: int = 250) -> Path:
    """The package's photos of people, side by side until the picture is full."""
    photos = Path(maskrcnn.__file__).parent / "examples" / "photos"
    tiles = [Image.open(photos / name).convert("RGB").resize((side, side)) for name in PEOPLE]
    picture = Image.new("RGB", (width, height))
    places = [(x, y) for y in range(0, height, side) for x in range(0, width, side)]
    for k, place in enumerate(places):
        picture.paste(tiles[k % len(tiles)], place)
    picture.save(path, quality=90)
    return path


def predict(model: str, folder: Path) -> dict[str, float]:
    """Overlay, run lengths and table of 300 objects; a few large tiles' proposals are enough to find as many."""
    predictor = Predictor.load(model, "cpu")
    predictor = predictor.with_options(score=0.0, tile=2600)
    predict_files(predictor, [mosaic(folder / "small.jpg", 250, 500)], ResultOptions(folder / "warm-up"))
    photo = mosaic(folder / "large.jpg", 4000, 6000)
    before = forget_peak()
    outcome = predict_files(predictor, [photo], ResultOptions(folder / "out", max_detections=300))
    assert not outcome.failures, outcome.failures
    return {"megabytes": megabytes("VmHWM") - before, "objects": outcome.counts[str(photo)]}


def record(objects: int, side: int) -> Record:
    """Discs of all sizes up to a third of the image."""
    rng = np.random.default_rng(0)
    windows = []
    for _ in range(objects):
        length = int(rng.integers(side // 40, side // 3))
        along = np.linspace(-1, 1, length)
        corner = tuple(int(k) for k in rng.integers(0, side - length, 2))
        windows.append((corner, along[:, None] ** 2 + along**2 < 1))
    regions = Regions.from_windows((side, side), windows)
    return Record("x", 0, "x", (side, side), regions.boxes(), 1 + np.arange(objects) % 2, regions)


def sample(objects: int, side: int) -> Sample:
    """An image as training sees it, with objects of another image pasted in."""
    rng = np.random.default_rng(1)
    augment = AugmentConfig((side, side), (0.95, 1.05), (0, 1), copy_paste=1.0)
    transform = TrainTransform(augment, PLAIN)
    image = torch.from_numpy(rng.integers(0, 256, (3, side, side), dtype=np.uint8))
    ours, donor = (transform(image, record(objects, side), rng) for _ in range(2))
    return copy_paste(ours, donor, augment, rng)


def train(objects: int) -> dict[str, float]:
    body = BackboneConfig("tiny", ((2, 2),) * 5, norm="group", fpn_channels=8, separable=True)
    model = small_model(2, in_channels=3, preprocess=PLAIN, backbone=body)
    config = FitConfig(batch_size=1)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    train_step(objective, optimizer, [sample(3, 256)], config, 0, "cpu")
    before = forget_peak()
    train_step(objective, optimizer, [sample(objects, 2048)], config, 0, "cpu")
    return {"megabytes": megabytes("VmHWM") - before}


if __name__ == "__main__":
    torch.set_num_threads(1)
    job, argument, *folder = sys.argv[1:]
    print(json.dumps(predict(argument, Path(folder[0])) if job == "predict" else train(int(argument))))
