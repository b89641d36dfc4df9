"""Whether a plan's image size is right: trainings of equal time at several sizes, on two sets with small objects.

    python benchmarks/plan_size.py nuclei NUCLEI_DATA --sizes 256 320 --minutes 4
    python benchmarks/plan_size.py composed --sizes 352 416 576 --minutes 4
    python benchmarks/plan_size.py composed --sizes 576 --repeat-rare 0 0.3

`nuclei` is NUCLEI_DATA/train cut to 60 images, judged on NUCLEI_DATA/val; `composed` is made from a seed: 10 classes of
20 to 1,000 objects, half of all objects 12 to 44 pixels long, in images of 576. A minute is one of this process's own
CPU time, so other jobs on the machine take nothing away. Prints a line of a Markdown table for each training.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.events import Event, Note
from maskrcnn.jobs.training_run import TrainingRun, run_training
from maskrcnn.modalities.open import open_dataset
from maskrcnn.planning.prepare import Wish, plan_training
from maskrcnn.training.budget import Budget

SIDE, FEWEST, MOST, CLASSES = 576, 20, 1000, 10
SMALL, LARGE = (12, 44), (44, 200)  # pixels, the half of the objects each
TRAIN, VAL = 80, 30  # composed images
COLUMNS = ("mask/AP", "mask/AP50", "mask/APs", "mask/APm")


def main() -> None:
    """A table on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("nuclei", "composed"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--sizes", type=int, nargs="+", required=True)
    parser.add_argument("--repeat-rare", type=float, nargs="+", default=[0.0])
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, val = nuclei(args.data) if args.set == "nuclei" else composed(Path(folder), args.seed)
        rare = rare_classes(data)
        print("| set | image size | repeat | epochs | AP | AP50 | small | medium | rare |\n|---|" + "---:|" * 8)
        for size in args.sizes:
            for repeat in args.repeat_rare:
                out = Path(folder) / f"{size}-{repeat}"
                metrics = trained(data, val, out, size, repeat, 60 * args.minutes, args.seed)
                cells = [f"{metrics[name] or 0:.3f}" for name in COLUMNS]
                few = [metrics[f"mask/AP/{name}"] or 0.0 for name in rare]
                cells.append(f"{np.mean(few):.3f}" if few else "")
                epochs = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["epoch"]
                print("|", " | ".join(map(str, (args.set, size, repeat, epochs, *cells))), "|", flush=True)
                shutil.rmtree(out)


def trained(
    data: Dataset, val: Dataset, out: Path, size: int, repeat: float, seconds: float, seed: int
) -> dict[str, float | None]:
    """What a planned training of that size and CPU time comes to, judged at the end."""
    asked = {
        "image_size": size,
        "repeat_rare": repeat,
        "workers": 0,
        "seed": seed,
        "epochs": 200,
        "validate_every": 200,
    }
    plan = plan_training(data, val, [], Wish(asked), hush, timed=False)
    budget = Budget(seconds, 10**6, begun=time.process_time(), validated=False, clock=time.process_time)
    run = TrainingRun(data, out, model=plan["model"], recipe=plan.recipe(), budget=budget)
    best = run_training(run, tell)
    return evaluate(Predictor.load(best), val)[0].metrics


def tell(event: Event) -> None:
    if isinstance(event, Note):
        hush(event.text)


def hush(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def rare_classes(data: Dataset) -> list[str]:
    """Those of fewer than 100 objects, where there are others."""
    counts = np.zeros(len(data.class_names) + 1, dtype=int)
    for index in range(len(data)):
        counts += np.bincount(data[index].labels, minlength=len(counts))
    few = [name for name, count in zip(data.class_names, counts[1:]) if count < 100]
    return few if len(few) < len(data.class_names) else []


def nuclei(folder: Path) -> tuple[Dataset, Dataset]:
    """60 images, evenly spread, and every second of those to judge on."""
    data, val = open_dataset(folder / "train"), open_dataset(folder / "val")
    chosen = np.linspace(0, len(data) - 1, 60).round().astype(int).tolist()
    return subset(data, chosen), subset(val, list(range(0, len(val), 2)))


def composed(folder: Path, seed: int) -> tuple[Dataset, Dataset]:
    """Sets to learn from and to judge on; in the second every class has as many objects."""
    rng = np.random.default_rng(seed)
    counts = np.geomspace(FEWEST, MOST, CLASSES).round().astype(int)
    for name, images, numbers in (("train", TRAIN, counts), ("val", VAL, np.full(CLASSES, 60))):
        compose(folder / name, images, np.repeat(np.arange(CLASSES), numbers), rng)
    return open_dataset(folder / "train"), open_dataset(folder / "val")


def compose(folder: Path, images: int, kinds: np.ndarray, rng: np.random.Generator) -> None:
    """COCO data: shapes of each kind (a form in a colour) over noise, in pictures chosen at random."""
    folder.mkdir(parents=True)
    where = rng.integers(0, images, len(kinds))
    annotations: list[dict[str, object]] = []
    for image in range(images):
        coarse = Image.fromarray(rng.integers(60, 190, (24, 24, 3), dtype=np.uint8)).resize((SIDE, SIDE), Image.BICUBIC)
        noise = rng.normal(0, 14, (SIDE, SIDE, 3))
        picture = Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(picture)
        for kind in kinds[where == image].tolist():
            outline = shape(kind, rng)
            draw.polygon([tuple(point) for point in outline.tolist()], fill=colour(kind, rng))
            low, high = outline.min(0), outline.max(0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": kind + 1,
                    "segmentation": [outline.ravel().tolist()],
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "area": float(np.prod(high - low)) / 2,
                    "iscrowd": 0,
                }
            )
        picture.save(folder / f"{image:03}.png")
    content = {
        "images": [{"id": k, "file_name": f"{k:03}.png", "width": SIDE, "height": SIDE} for k in range(images)],
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": f"kind-{chr(97 + k)}"} for k in range(CLASSES)],
    }
    (folder / "labels.json").write_text(json.dumps(content))


def shape(kind: int, rng: np.random.Generator) -> np.ndarray:
    """``[P, 2]`` points of a star or polygon, somewhere in the picture."""
    low, high = SMALL if rng.random() < 0.5 else LARGE
    radius = 0.5 * rng.uniform(low, high)
    corners, inner = 3 + kind // 2, (1.0, 0.5)[kind % 2]
    angles = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False) + rng.uniform(0, 2 * np.pi)
    radii = radius * np.where(np.arange(2 * corners) % 2, inner if inner < 1 else np.cos(np.pi / corners), 1.0)
    points = rng.uniform(radius, SIDE - radius, 2) + radii[:, None] * np.stack((np.cos(angles), np.sin(angles)), 1)
    return points.clip(0, SIDE).round(1)


def colour(kind: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """The kind's own, more or less: five colours for ten kinds, so that form matters too."""
    base = np.array(((200, 60, 60), (60, 190, 70), (70, 90, 220), (220, 200, 60), (190, 80, 200))[kind % 5])
    red, green, blue = (base + rng.integers(-30, 31, 3)).clip(0, 255).tolist()
    return red, green, blue


if __name__ == "__main__":
    main()
