"""Check the converted SSDLite weights: rebuild the detector, run it on the val photos, print its box AP.

    python tools/check_weights.py [--data ../shared/data/coco] [--weights FILE]

Each annotation file is scored twice: as COCO does it, and on its clear objects only (no crowds, and a mask of at
least 16 x 16 px). It fails if an AP lies below its known value: a wrong padding, anchor order or box code costs far
more than the margin.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import torch
from hotcoco import COCO, COCOeval
from PIL import Image

from ssdlite import SSDLite, load_ssdlite

DEFAULT_WEIGHTS = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")
DEFAULT_DATA = Path("../shared/data/coco")
CLEAR_AREA = 16 * 16  # px of mask, from which an object is clear
CHECKS = (  # annotation file, what is counted, known box AP on all objects and on clear ones
    ("people_val.json", "person", (0.286, 0.362)),
    ("coco80_val.json", "80 classes", (0.247, 0.307)),
)
MARGIN = 0.01


def detections(model: SSDLite, truth: COCO, images: Path) -> list[dict]:
    """Detections of all photos of `truth` as COCO results, boxes `(x, y, width, height)` in px."""
    results = []
    categories = set(truth.get_cat_ids())
    for image in truth.load_imgs(truth.get_img_ids()):
        with Image.open(images / image["file_name"]) as file:
            photo = torch.from_numpy(np.array(file.convert("RGB")))
        for (y0, x0, y1, x1), score, label in zip(*(x.tolist() for x in model.detect(photo)), strict=True):
            if label in categories:
                box = [x0, y0, x1 - x0, y1 - y0]
                results.append({"image_id": image["id"], "category_id": label, "bbox": box, "score": score})
    return results


def clear_objects(truth: COCO) -> COCO:
    """`truth` with all its photos but only its clear objects."""
    dataset = dict(truth.dataset)
    kept = [a for a in dataset["annotations"] if a["area"] >= CLEAR_AREA and not a["iscrowd"]]
    return COCO({**dataset, "annotations": kept})


def box_ap(truth: COCO, results: list[dict]) -> tuple[float, float]:
    """Box AP (mean over IoU 0.50..0.95) and AP50 of `results`."""
    evaluation = COCOeval(truth, truth.load_res(results), "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.run()
    metrics = evaluation.get_results()
    return metrics["AP"], metrics["AP50"]


def main() -> int:
    """Print box AP and AP50 on each annotation file; 1 if one is too low."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="annotations/, images/ (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="the file (default: %(default)s)")
    args = parser.parse_args()
    model = load_ssdlite(args.weights)
    print("Warning: some of these val photos may be in the detector's own training set; its AP may flatter it.")
    right = True
    for file, counted, known in CHECKS:
        truth = COCO(str(args.data / "annotations" / file))
        results = detections(model, truth, args.data / "images")
        print(f"{file} ({counted}, {len(truth.get_img_ids())} photos):")
        for objects, scored, expected in zip(("all", "clear"), (truth, clear_objects(truth)), known, strict=True):
            ap, ap50 = box_ap(scored, results)
            count = len(scored.get_ann_ids())
            print(f"  {objects + ' objects':13} ({count}): box AP {ap:.3f} (known: {expected:.3f}), AP50 {ap50:.3f}")
            right = right and ap >= expected - MARGIN
    if not right:
        print("Too low: the weights, or the code that runs them, are wrong.", file=sys.stderr)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
