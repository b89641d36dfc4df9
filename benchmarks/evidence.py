"""Does evidence mean anything: python benchmarks/evidence.py LABELS [--model people] [--photos 40] [--most 2]

For the strongest objects of photos, what the score falls by when a tenth of the photo is painted over with the mean
colour: the tenth that the object's map ranks highest, a tenth about the centre of the object's box (in the box's
proportions), or a block of a tenth at random. Objects larger than a tenth of their photo are counted by themselves too:
hiding a tenth hides the others whole. Then the pointing game: how often the strongest place of the map, and the centre
of the box, lie on the labelled mask of the object. Means with 95 % intervals from resampling the photos.

--keep FILE writes down each photo when it is done: a run that was stopped goes on where it was, and with --photos 0
what is done so far is printed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.explanation.evidence import Evidence, explain
from maskrcnn.explanation.evidence_sheet import PART
from maskrcnn.explanation.occlusion import around, hottest, random_block
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.structures import Record

RESAMPLINGS = 2000
MAP, CENTRE, BLOCK = "the map", "about the box's centre", "a block at random"
SAME = 0.5  # IoU of an object's box with a labelled one of its class


def parts_of(evidence: Evidence, generator: torch.Generator) -> dict[str, Tensor]:
    """What is hidden, by name: bool ``[*S]`` of equal numbers of samples."""
    shape = tuple(evidence.heat.shape)
    count = round(PART * evidence.heat.numel())
    low, high = evidence.box.chunk(2)
    return {
        MAP: hottest(evidence.heat, count),
        CENTRE: around(((low + high) / 2).tolist(), (high - low).tolist(), shape, count),
        BLOCK: random_block(shape, count, generator),
    }


def on_its_mask(data: Dataset, record: Record, evidence: Evidence, name: str) -> tuple[bool, bool] | None:
    """Whether the strongest place of the map, and the box's centre, lie on the object's labelled mask; None where no
    object of that class is labelled there."""
    own = [k for k, label in enumerate(record.labels.tolist()) if data.class_names[label - 1] == name]
    if not own or record.regions is None:
        return None
    overlaps = pairwise_iou(evidence.box[None].double(), torch.as_tensor(record.boxes[own]).double())[0]
    if float(overlaps.max()) < SAME:
        return None
    mask = record.regions.mask(own[int(overlaps.argmax())])
    strongest = np.unravel_index(int(evidence.heat.argmax()), evidence.heat.shape)
    x, y = evidence.box.reshape(2, 2).mean(0).tolist()
    return bool(mask[strongest]), bool(mask[min(int(y), mask.shape[0] - 1), min(int(x), mask.shape[1] - 1)])


def measure(predictor: Predictor, data: Dataset, k: int, most: int) -> list[dict[str, object]]:
    """Measure the strongest objects of a photo.

    Args:
        predictor: its model finds and explains them.
        data: labelled photos.
        k: the number of the photo.
        most: objects of it.

    Returns:
        A row an object: its photo, whether it is larger than a tenth of it, the fall in score for each way of hiding,
        and for each place 1 or 0: on the object's mask or not.
    """
    rows: list[dict[str, object]] = []
    record, generator = data[k], torch.Generator().manual_seed(k)
    explanation = explain(predictor, data.read_image(record))[:most]
    for i, evidence in enumerate(explanation):
        low, high = evidence.box.chunk(2)
        large = bool((high - low).prod() > PART * evidence.heat.numel())
        parts = parts_of(evidence, generator)
        falls = {name: evidence.seen_again - explanation.score_without(i, part) for name, part in parts.items()}
        hits = on_its_mask(data, record, evidence, predictor.class_names[evidence.label - 1])
        points = dict(zip((MAP, CENTRE), map(float, hits or ())))
        rows.append({"photo": k, "large": large, "falls": falls, "points": points})
    return rows


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
    parser.add_argument("--keep", type=Path, help="a file of what is done")
    asked = parser.parse_args()
    data, predictor = open_dataset(asked.labels), Predictor.load(asked.model)
    predictor = predictor.with_options(score=0.5, tile="off")
    order = np.random.default_rng(1).permutation(len(data))[asked.skip : asked.skip + asked.photos]
    done = {}
    if asked.keep is not None and asked.keep.exists():
        done = {int(k): rows for k, rows in map(json.loads, asked.keep.read_text().splitlines())}
    for number, k in enumerate(map(int, order)):
        if k not in done:
            done[k] = measure(predictor, data, k, asked.most)
            if asked.keep is not None:
                with asked.keep.open("a") as file:
                    file.write(json.dumps([k, done[k]]) + "\n")
        print(f"{number + 1} photos", end="\r", flush=True)
    rows = [row for own in done.values() for row in own]
    falls, pointed = table(rows, "falls"), table(rows, "points")
    print(f"{asked.model}: {len(done)} photos, {len(rows)} objects, {int(falls[MAP][:, 1].sum())} of them large")
    falls |= {f"the map less {name}": less(falls[MAP], falls[name]) for name in (BLOCK, CENTRE)}
    print_table("the tenth that is hidden | fall in score", falls)
    pointed |= {f"the map less {CENTRE}": less(pointed[MAP], pointed[CENTRE])}
    print(f"\nThe pointing game, {len(pointed[MAP])} of them with a labelled mask")
    print_table("the place | on the object's mask", pointed)


def table(rows: list[dict[str, Any]], what: str) -> dict[str, np.ndarray]:
    """By name: photo, whether the object is large, and the value, a row an object."""
    names = dict.fromkeys(name for row in rows for name in row[what])
    return {
        name: np.array(
            [(row["photo"], row["large"], row[what][name]) for row in rows if name in row[what]], dtype=float
        )
        for name in names
    }


def less(row: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([row[:, :2], row[:, 2:] - other[:, 2:]], 1)


def print_table(title: str, rows: dict[str, np.ndarray]) -> None:
    print(f"| {title}, all objects | objects larger than a tenth |\n|---|---|---|")
    for name, row in rows.items():
        some = row[row[:, 1] > 0]
        print(f"| {name} | {interval(row[:, 0], row[:, 2])} | {interval(some[:, 0], some[:, 2])} |")


if __name__ == "__main__":
    main()
