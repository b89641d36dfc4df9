"""Does evidence mean anything: python benchmarks/evidence.py LABELS [--model people] [--photos 40] [--most 2]

For the strongest objects of photos, what the score falls by when a tenth of the photo is painted over with the mean
colour: the tenth that the object's map ranks highest, the same of other maps, a tenth about the centre of the object's
box (in the box's proportions) and a tenth at random: one block, cells of 16 pixels, or single pixels, which spoil the
whole photo for a network and are no fair comparison for a map that is smooth. Means with 95 % intervals from resampling
the photos. Objects larger than a tenth of their photo are counted by themselves too: hiding a tenth hides the others
whole.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.transforms.samples import prepare_image
from maskrcnn.explanation.attribution import SMOOTHING, STEPS, class_log_odds, smooth
from maskrcnn.explanation.evidence import Evidence, Explanation, explain
from maskrcnn.explanation.occlusion import around, hottest, random_block, random_cells
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import batch_images

PART, RESAMPLINGS, CELL = 0.1, 2000, 16
MAP, CENTRE, BLOCK = "the map", "about the box's centre", "a block at random"


def other_maps(predictor: Predictor, image: Tensor, box: Tensor, label: int) -> dict[str, Tensor]:
    """Integrated gradients, and maps of one gradient at the image and at the body's outputs; each ``[*S]``, >= 0."""
    p, model = predictor.preprocess, predictor.model
    prepared, axis_map = prepare_image(image, p.min_size, p.max_size, p.pixel_mean, p.pixel_std, p.antialias)
    batch = batch_images([prepared], p.size_divisor)
    tensor = batch.tensor.clone().requires_grad_()
    outputs = model.backbone.body(tensor)
    logits, _ = model.heads["box"](model.backbone.features(tensor, outputs), [axis_map.boxes(box)[None]])
    log_odds = class_log_odds(logits, torch.tensor([label]))[0]
    at_image, *gradients = torch.autograd.grad(log_odds, [tensor, *outputs])
    low, high = axis_map.boxes(box).chunk(2)
    side = float((high - low).prod().sqrt())

    def spread(values: Tensor, sigma: float) -> Tensor:
        full_size = interpolate(values.detach()[:, None], tensor.shape[2:])[0, 0]
        inside = full_size[tuple(slice(extent) for extent in batch.spatial_shapes[0])]
        return interpolate(smooth(inside, sigma * side)[None, None], image.shape[1:])[0, 0].clamp(min=0)

    layers = list(zip(outputs, gradients))
    total = torch.zeros_like(tensor)
    for k in range(STEPS):  # integrated gradients
        paler = (batch.tensor * ((k + 0.5) / STEPS)).requires_grad_()
        logits, _ = model.heads["box"](model.backbone(paler), [axis_map.boxes(box)[None]])
        total += torch.autograd.grad(class_log_odds(logits, torch.tensor([label]))[0], paler)[0]
    named = {
        "integrated gradients": spread((total * batch.tensor).sum(1), SMOOTHING),
        "gradient x image": spread((at_image * tensor).sum(1), SMOOTHING),
    }
    for k, stride in ((0, 4), (1, 8), (2, 16)):
        named[f"HiResCAM, stride {stride}"] = spread((layers[k][0] * layers[k][1]).sum(1), SMOOTHING)
    output, gradient = layers[-1]
    named["Grad-CAM, stride 32"] = spread((output * gradient.mean((2, 3), keepdim=True)).sum(1).clamp(min=0), 0)
    return named


def parts_of(explanation: Explanation, evidence: Evidence, generator: torch.Generator) -> dict[str, Tensor]:
    """What is hidden, by name: bool ``[*S]`` of equal numbers of samples."""
    shape = tuple(evidence.heat.shape)
    count = round(PART * evidence.heat.numel())
    low, high = evidence.box.chunk(2)
    others = other_maps(explanation.predictor, explanation.image, evidence.box, evidence.label)
    return {
        MAP: hottest(evidence.heat, count),
        **{name: hottest(heat, count) for name, heat in others.items()},
        CENTRE: around(((low + high) / 2).tolist(), (high - low).tolist(), shape, count),
        BLOCK: random_block(shape, count, generator),
        f"cells of {CELL} pixels at random": random_cells(shape, count, CELL, generator),
        "single pixels at random": random_cells(shape, count, 1, generator),
    }


def measure(
    predictor: Predictor, photos: list[Tensor], most: int, tell: Callable[[int], None]
) -> dict[str, list[tuple[int, bool, float]]]:
    """For each way of hiding, of each object: its photo, whether it is larger than a tenth of it, the fall in score."""
    falls = defaultdict(list)
    generator = torch.Generator().manual_seed(0)
    for number, image in enumerate(photos):
        explanation = explain(predictor, image)[:most]
        for i, evidence in enumerate(explanation):
            low, high = evidence.box.chunk(2)
            large = bool((high - low).prod() > PART * evidence.heat.numel())
            for name, part in parts_of(explanation, evidence, generator).items():
                falls[name].append((number, large, evidence.seen_again - explanation.score_without(i, part)))
        tell(number + 1)
    return falls


def interval(photo: np.ndarray, values: np.ndarray) -> str:
    """Mean and the 2.5th and 97.5th percentile of means over photos drawn with replacement."""
    generator = np.random.default_rng(0)
    photos = np.unique(photo)
    sums = np.array([values[photo == p].sum() for p in photos])
    counts = np.array([(photo == p).sum() for p in photos])
    drawn = generator.integers(0, len(photos), (RESAMPLINGS, len(photos)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), (2.5, 97.5))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--model", default="people")
    parser.add_argument("--skip", type=int, default=0, help="photos, in a shuffled order")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--most", type=int, default=2, help="objects of a photo")
    asked = parser.parse_args()
    data, predictor = open_dataset(asked.labels), Predictor.load(asked.model)
    predictor = predictor.with_options(score=0.5, tile="off")
    order = np.random.default_rng(1).permutation(len(data))[asked.skip : asked.skip + asked.photos]
    photos = [data.read_image(data[int(k)]) for k in order]
    start = time.perf_counter()
    falls = measure(predictor, photos, asked.most, lambda done: print(f"{done} photos", end="\r", flush=True))
    rows = {name: np.array(values, dtype=np.float64) for name, values in falls.items()}
    photo, large = rows[MAP][:, 0], rows[MAP][:, 1] > 0
    print(f"{len(photo)} objects, {large.sum()} of them large, {time.perf_counter() - start:.0f} s")
    print("| the tenth that is hidden | fall in score, all objects | objects larger than a tenth |\n|---|---|---|")
    rows |= {f"the map less {name}": rows[MAP] - rows[name] for name in (BLOCK, CENTRE)}
    for name, row in rows.items():
        print(f"| {name} | {interval(photo, row[:, 2])} | {interval(photo[large], row[large, 2])} |")


if __name__ == "__main__":
    main()
