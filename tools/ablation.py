"""What parts of the recipe are worth: the same short training with and without each, two seeds, on a fold.

    python tools/ablation.py --data ../shared/data/coco --pseudo runs/pseudo --out runs/ablation

Settings are judged here and not on the val sets: a fifth of the training images is held back. Jitter, copy-paste and
averaging are tried on nuclei, of which no model has seen any, pseudo-labels on the 80 classes. Prints the table of
`docs/training.md` and writes it, with every number, to OUT/table.md and OUT/results.json. A finished run is not run
again, so a broken-off table goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

BODY = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")
FIRST = Path("runs/first/best.safetensors")  # `make runs/first/best.safetensors`
SEEDS = (0, 1)
FOLDS = 5
EVERYDAY_IMAGES, EVERYDAY_VAL = 300, 60  # to train on; to validate on
NUCLEI_IMAGES, NUCLEI_VAL = 200, 50
SHARED = [
    "--model",
    str(FIRST),
    "--precision",
    "bf16",
    "--validate-every",
    "1000",
    "--average",
    "0.99",
    "--workers",
    "1",
]
NUCLEI = [*SHARED, "--image-size", "320", "--crop-size", "192", "--stretch", "--flip", "x", "y", "--proposals", "96"]
NUCLEI += ["--smallest-anchor", "8", "--epochs", "3", "--class-names", "nucleus"]
EVERYDAY = [*SHARED, "--body-weights", str(BODY), "--image-size", "256", "--crop-size", "192", "--epochs", "2"]
EVERYDAY += ["--agnostic-boxes", "--agnostic-masks"]
JITTER, NO_JITTER = ["--scale", "0.5", "1.8"], ["--scale", "1", "1"]
PASTE, NO_PASTE = ["--copy-paste", "0.3"], ["--copy-paste", "0"]


def write_json(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def subset(content: dict[str, Any], images: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The COCO json of some of its images, whose files lie in `folder` or in its `images`."""
    ids = {image["id"] for image in images}
    located = []
    for image in images:
        path = next(p for p in (folder / "images" / image["file_name"], folder / image["file_name"]) if p.exists())
        located.append({**image, "file_name": str(path.resolve())})
    kept = [a for a in content["annotations"] if a["image_id"] in ids]
    return {**content, "images": located, "annotations": kept}


def nuclei_fold(data: Path, out: Path) -> tuple[Path, Path]:
    """Every fifth training image to validate on, others to train on, as links."""
    names = sorted(path.name for path in (data / "train" / "images").iterdir())
    parts = {"train": [n for k, n in enumerate(names) if k % FOLDS][::2][:NUCLEI_IMAGES]}
    parts["val"] = names[::FOLDS][:NUCLEI_VAL]
    for part, chosen in parts.items():
        for kind in ("images", "labels"):
            folder = out / f"nuclei_fold_{part}" / kind
            folder.mkdir(parents=True, exist_ok=True)
            for name in chosen:
                if not (folder / name).exists():
                    (folder / name).symlink_to((data / "train" / kind / name).resolve())
    return out / "nuclei_fold_train", out / "nuclei_fold_val"


def everyday_fold(data: Path, pseudo: Path, out: Path) -> tuple[Path, Path, Path]:
    """Some photos of `coco80_train` to validate on, and the rest with real labels alone and with pseudo-labels."""
    content = json.loads((data / "annotations" / "coco80_train.json").read_text())
    held = content["images"][:: len(content["images"]) // EVERYDAY_VAL][:EVERYDAY_VAL]
    val = write_json(out / "everyday_fold_val.json", subset(content, held, data))
    names = {Path(image["file_name"]).name for image in held}
    trains = []
    for kind in ("partial", "train"):
        whole = json.loads((pseudo / f"everyday_{kind}.json").read_text())
        rest = [image for image in whole["images"] if Path(image["file_name"]).name not in names]
        rest = rest[:: max(1, len(rest) // EVERYDAY_IMAGES)][:EVERYDAY_IMAGES]
        path = out / f"everyday_fold_{kind}.json"
        trains.append(write_json(path, subset(whole, rest, pseudo)))
    return trains[0], trains[1], val


def measure(name: str, train: Path, val: Path, flags: list[str], seed: int, out: Path) -> dict[str, dict[str, float]]:
    """Train once; the metrics of the averaged weights and, for the whole recipe, of the weights as they are at last."""
    folder = out / f"{name}-{seed}"
    if not (folder / "best.safetensors").exists():
        maskrcnn("train", train, "--plan", "off", "--out", folder, "--seed", seed, *flags)
    found = {}
    for kind, file in {"average": "best", "last": "last"}.items() if name == "nuclei" else [("average", "best")]:
        target = folder / kind / "metrics.json"
        if not target.exists():
            model = folder / f"{file}.safetensors"
            maskrcnn("evaluate", val, "--model", model, "--out", target.parent, "--bootstrap", 0)
        found[kind] = json.loads(target.read_text())
    return found


def maskrcnn(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "maskrcnn", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def row(title: str, runs: list[dict[str, float]], names: list[str]) -> str:
    """Mean of the seeds, and half of what lies between them."""
    cells = []
    for name in names:
        values = [run[name] for run in runs]
        cells.append(f"{statistics.mean(values):.3f} ± {(max(values) - min(values)) / 2:.3f}")
    return "| " + " | ".join([title, *cells]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pseudo", type=Path, default=Path("runs/pseudo"))
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    arguments = parser.parse_args()
    out = arguments.out
    train, val = nuclei_fold(arguments.data / "nuclei", out)
    partial, pseudo, everyday_val = everyday_fold(arguments.data / "coco", arguments.pseudo, out)

    plan = {
        "everything": ("nuclei", train, val, [*NUCLEI, *JITTER, *PASTE]),
        "without jitter": ("nuclei-no-jitter", train, val, [*NUCLEI, *NO_JITTER, *PASTE]),
        "without copy-paste": ("nuclei-no-paste", train, val, [*NUCLEI, *JITTER, *NO_PASTE]),
        "real labels alone": ("everyday-real", partial, everyday_val, EVERYDAY),
        "real and pseudo-labels": ("everyday-pseudo", pseudo, everyday_val, EVERYDAY),
    }
    runs = {title: [measure(*job, seed, out) for seed in SEEDS] for title, job in plan.items()}
    names = ["box/AP", "box/AP50", "mask/AP", "mask/AP50"]
    lines = ["| nuclei | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for title in ("everything", "without jitter", "without copy-paste"):
        lines.append(row(title, [run["average"] for run in runs[title]], names))
    lines.append(row("without averaging", [run["last"] for run in runs["everything"]], names))
    lines += ["", "| 80 classes | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for title in ("real labels alone", "real and pseudo-labels"):
        lines.append(row(title, [run["average"] for run in runs[title]], names))
    (out / "table.md").write_text("\n".join(lines) + "\n")
    (out / "results.json").write_text(json.dumps(runs, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
