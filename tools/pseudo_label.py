"""Labels for the `everyday` model: real ones, and where nobody labelled, those of the SSDLite teacher.

    python tools/pseudo_label.py [--mode pseudo|partial] [--views plain|flip|crops] [--masks-from MODEL.safetensors]

`coco80_train` is labelled with all 80 classes, the other photos of `people_train` with people only, and the photos of
`unlabelled/` not at all. What the teacher finds of the rest becomes a label where it is right with a chance of at
least `--label-chance`, a crowd (neither object nor background) down to `--ignore-chance`, and background below that.
The chances are measured on `coco80_train`. The teacher saw COCO's photos in training, so they may be a little high.

Mode `pseudo` writes `everyday_train.json`, `partial` only the real labels: `everyday_partial.json`, in which
`annotated_category_ids` says what each photo was searched for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from hotcoco import COCO, COCOeval
from PIL import Image
from torch import Tensor

from calibrate import RIGHT, UNKNOWN, Calibration, calibrate, judge, log_loss
from everyday_data import Labelled, Photo, count_examples, gather_photos, partial_photos, read_coco, write_coco
from maskrcnn.files import atomic_write
from maskrcnn.ops.boxes import pairwise_iou
from pseudo_masks import add_masks
from ssdlite import SSDLite, load_ssdlite
from teacher import VIEW_SETS, Found, cached_looks, fuse, make_views

DEFAULT_DATA = Path("../shared/data/coco")
DEFAULT_WEIGHTS = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")
DEFAULT_OUT = Path("runs/pseudo")
SPREADS = (0.0, 0.2, 0.4, 0.7, 1.0)  # of the classes, see `calibrate`
FOLDS = 5
CALIBRATED_FROM = 0.05  # score; what is certainly wrong would only pull the curve away from where it matters
SAME_PLACE = 0.8  # IoU from which two boxes of different classes are one object that has one right name
FEW = 20  # examples of a class, below which little can be learnt


class Truth(NamedTuple):
    """The labels of one photo: boxes `[M, 4]` (corners, px), COCO ids `[M]`, crowd bool `[M]`."""

    boxes: Tensor
    labels: Tensor
    crowd: Tensor


def truth_of(annotations: list[dict[str, Any]]) -> Truth:
    """The labels of one photo from its COCO annotations."""
    boxes = torch.tensor([a["bbox"] for a in annotations], dtype=torch.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = torch.tensor([a["category_id"] for a in annotations], dtype=torch.long)
    return Truth(boxes, labels, torch.tensor([bool(a["iscrowd"]) for a in annotations], dtype=torch.bool))


def box_ap(annotations: Path, found: Iterable[Found]) -> dict[str, float]:
    """COCO's AP, AP50, APs, APm, APl of the detections of each photo of an annotation file."""
    truth = COCO(str(annotations))
    known = set(truth.get_cat_ids())
    results = [
        {"image_id": image["id"], "category_id": k, "bbox": to_xywh(box), "score": s}
        for image, seen in zip(read_coco(annotations)["images"], found, strict=True)
        for box, s, k in zip(seen.boxes.tolist(), seen.scores.tolist(), seen.labels.tolist(), strict=True)
        if k in known
    ]
    run = COCOeval(truth, truth.load_res(results), "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        run.run()
    return {name: round(run.get_results()[name], 4) for name in ("AP", "AP50", "APs", "APm", "APl")}


def to_xywh(box: Sequence[float]) -> list[float]:
    """COCO's corner and extent of a box (x1, y1, x2, y2), to a hundredth of a pixel."""
    x1, y1, x2, y2 = box
    return [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]


class Judged(NamedTuple):
    """Detections of all measured photos in a row: scores, classes, whether right, and the photo's number, `[N]`."""

    scores: Tensor
    labels: Tensor
    right: Tensor
    photo: Tensor


def judge_all(found: Sequence[Found], labelled: Sequence[Truth]) -> Judged:
    """What can be said of the detections from CALIBRATED_FROM on; those in crowds are left out."""
    columns = []
    for number, (seen, truth) in enumerate(zip(found, labelled, strict=True)):
        verdicts = judge(seen.boxes, seen.scores, seen.labels, *truth)
        kept = (verdicts != UNKNOWN) & (seen.scores >= CALIBRATED_FROM)
        photo = torch.full((int(kept.sum()),), number)
        columns.append((seen.scores[kept], seen.labels[kept], verdicts[kept] == RIGHT, photo))
    return Judged(*(torch.cat(column) for column in zip(*columns, strict=True)))


def held_out_chances(judged: Judged, spread: float) -> Tensor:
    """The chance of each detection by the calibration on the photos of the other folds, `[N]`."""
    chances = torch.zeros(len(judged.scores))
    for fold in range(FOLDS):
        out = judged.photo % FOLDS == fold
        rest = calibrate(judged.scores[~out], judged.labels[~out], judged.right[~out], spread)
        chances[out] = rest.chance(judged.scores[out], judged.labels[out])
    return chances


def measure_labels(judged: Judged, chances: Tensor, objects: int, label_chance: float, ignore_chance: float) -> dict:
    """Precision and recall of the detections that become labels, and of those that become crowds."""
    label, ignored = chances >= label_chance, (chances >= ignore_chance) & (chances < label_chance)
    return {
        name: {
            "boxes": int(chosen.sum()),
            "precision": round(float(judged.right[chosen].float().mean()), 3),
            "recall": round(float(judged.right[chosen].sum()) / objects, 3),
        }
        for name, chosen in (("labels", label), ("crowds", ignored))
    }


class Rule(NamedTuple):
    """From a detection to a label, a crowd or nothing."""

    calibration: Calibration
    label_chance: float
    ignore_chance: float

    def annotations(self, found: Found, exhaustive: set[int], real: Truth) -> list[dict[str, Any]]:
        """What the detections of one photo say of the classes that are not `exhaustive` in it.

        Where two classes claim one place, the likelier one has it and the other becomes a crowd; real labels win.
        """
        chances = self.calibration.chance(found.scores, found.labels)
        order = chances.argsort(descending=True, stable=True)
        taken = real.boxes[~real.crowd]
        annotations = []
        for n in order.tolist():
            if found.labels[n].item() in exhaustive or chances[n] < self.ignore_chance:
                continue
            box = found.boxes[n : n + 1]
            sure = bool(chances[n] >= self.label_chance) and not bool((pairwise_iou(box, taken) > SAME_PLACE).any())
            taken = torch.cat([taken, box]) if sure else taken
            annotations.append(_annotation(found, n, float(chances[n]), crowd=not sure))
        return annotations


def _annotation(found: Found, n: int, chance: float, crowd: bool) -> dict[str, Any]:
    x, y, width, height = to_xywh(found.boxes[n].tolist())
    return {
        "category_id": int(found.labels[n]),
        "bbox": [x, y, width, height],
        "area": round(width * height, 2),
        "iscrowd": int(crowd),
        "pseudo": True,
        "score": round(float(found.scores[n]), 4),
        "chance": round(chance, 4),
    }


def measure_views(model: SSDLite, args: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Box AP on both labelled sets of every view set up to the chosen one."""
    chosen = list(VIEW_SETS)[: list(VIEW_SETS).index(args.views) + 1]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name in ("coco80_train", "coco80_val"):
        file = args.data / "annotations" / f"{name}.json"
        images = [args.data / "images" / image["file_name"] for image in read_coco(file)["images"]]
        for views in chosen:
            ap = box_ap(file, detect_all(model, images, views, args.out / "looks"))
            table.setdefault(views, {})[name] = ap
            print(f"teacher, {views:6} on {name:12}: " + ", ".join(f"{k} {v:.3f}" for k, v in ap.items()), flush=True)
    return table


def detect_all(model: SSDLite, files: Sequence[Path], view_set: str, cache: Path) -> list[Found]:
    """What a view set finds in each photo, fused; classes that COCO does not use are left out."""
    views = make_views()[: VIEW_SETS[view_set]]
    found = []
    for file, looks in zip(files, cached_looks(model, files, views, cache), strict=True):
        with Image.open(file) as opened:
            width, height = opened.size
        found.append(fuse(looks, views, (height, width)))
    return found


def choose_rule(found: Sequence[Found], labelled: Sequence[Truth], args: argparse.Namespace) -> tuple[Rule, dict]:
    """The calibration with the spread that predicts held-out photos best, and what it measured."""
    judged = judge_all(found, labelled)
    losses = {spread: log_loss(held_out_chances(judged, spread), judged.right) for spread in SPREADS}
    spread = min(losses, key=losses.__getitem__)
    objects = sum(int((~truth.crowd).sum()) for truth in labelled)
    chances = held_out_chances(judged, spread)
    measured = measure_labels(judged, chances, objects, args.label_chance, args.ignore_chance)
    rule = Rule(calibrate(judged.scores, judged.labels, judged.right, spread), args.label_chance, args.ignore_chance)
    report = {"log_loss_by_spread": {str(k): round(v, 5) for k, v in losses.items()}, "spread": spread, **measured}
    print(f"on held-out photos of coco80_train (spread {spread}): {measured}", flush=True)
    return rule, report


def pseudo_photos(photos: Sequence[Photo], found: Sequence[Found], rule: Rule) -> list[Labelled]:
    """Every photo with its real labels and, of the classes it was not searched for, those of the teacher."""
    return [
        (photo.entry, photo.real + rule.annotations(seen, photo.exhaustive, truth_of(photo.real)))
        for photo, seen in zip(photos, found, strict=True)
    ]


def thresholds(rule: Rule, categories: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The scores from which each class is a label and from which it is ignored."""
    chances = {"label": rule.label_chance, "ignore": rule.ignore_chance}
    return {
        c["name"]: {name: round(rule.calibration.threshold(c["id"], p), 3) for name, p in chances.items()}
        for c in categories
    }


def class_report(counts: dict[int, dict[str, int]], data: Path, names: dict[int, str]) -> dict[str, Any]:
    """Examples of each class, and the classes of the val photos of which there are few."""
    val = {a["category_id"] for a in read_coco(data / "annotations" / "coco80_val.json")["annotations"]}
    real = [names[k] for k in sorted(val) if counts.get(k, {}).get("real", 0) < FEW]
    both = [names[k] for k in sorted(val) if sum(counts.get(k, {}).get(n, 0) for n in ("real", "pseudo")) < FEW]
    print(
        f"of {len(val)} classes in the val photos, {len(real)} have under {FEW} real examples, {len(both)} with pseudo"
    )
    return {"val_classes": len(val), "few_real": real, "few_with_pseudo": both} | {
        "examples": {name: counts.get(k, {}) for k, name in names.items()}
    }


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=("pseudo", "partial"), default="pseudo", help="default: %(default)s")
    parser.add_argument("--views", choices=tuple(VIEW_SETS), default="crops", help="of a photo (default: %(default)s)")
    parser.add_argument("--label-chance", type=float, default=0.4, help="of a label to be right (default: %(default)s)")
    parser.add_argument("--ignore-chance", type=float, default=0.15, help="of an ignored box (default: %(default)s)")
    parser.add_argument("--masks-from", type=Path, help="a trained model whose mask head draws the masks")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="coco folder (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="the teacher's (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write into (default: %(default)s)")
    return parser.parse_args()


def main() -> int:
    """Write the labels and print what was measured."""
    args = parse_arguments()
    photos = gather_photos(args.data)
    categories = read_coco(args.data / "annotations" / "coco80_train.json")["categories"]
    names = {category["id"]: category["name"] for category in categories}
    if args.mode == "partial":
        partial = partial_photos(photos, set(names))
        write_coco(args.out / "everyday_partial.json", partial, categories, args.data)
        print(f"{args.out / 'everyday_partial.json'}: {len(partial)} photos")
        return 0
    model = load_ssdlite(args.weights).to(memory_format=torch.channels_last)  # twice as fast on a CPU
    report: dict[str, Any] = {"views": args.views, "teacher": measure_views(model, args)}
    found = detect_all(model, [photo.file for photo in photos], args.views, args.out / "looks")
    complete = [k for k, photo in enumerate(photos) if photo.exhaustive == set(names)]
    rule, report["calibration"] = choose_rule(
        [found[k] for k in complete], [truth_of(photos[k].real) for k in complete], args
    )
    report["thresholds"] = thresholds(rule, categories)
    labelled = pseudo_photos(photos, found, rule)
    if args.masks_from:
        report["masks"] = add_masks(photos, labelled, names, args.masks_from)
        print(f"{report['masks']} pseudo-labels have got a mask", flush=True)
    write_coco(args.out / "everyday_train.json", labelled, categories, args.data)
    report |= class_report(count_examples(labelled), args.data, names)
    with atomic_write(args.out / "report.json") as file:
        file.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"{args.out / 'everyday_train.json'}: {len(labelled)} photos, {sum(len(a) for _, a in labelled)} annotations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
