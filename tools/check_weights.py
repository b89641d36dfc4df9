"""Check the converted SSDLite weights: rebuild the detector, run it on the val photos, print its box AP.

    python tools/check_weights.py [--data ../shared/data/coco] [--weights FILE]

Fails if an AP lies far below the known one (a wrong padding, anchor order, resize or box code costs far more).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from hotcoco import COCO, COCOeval
from PIL import Image
from ssdlite import SSDLite, load_ssdlite

DEFAULT_WEIGHTS = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")
DEFAULT_DATA = Path("../shared/data/coco")
CHECKS = (  # annotation file, what is counted, least box AP
    ("people_val.json", "person", 0.33),
    ("coco80_val.json", "80 classes", 0.28),
)


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


def box_ap(truth: COCO, results: list[dict]) -> tuple[float, float]:
    """Box AP (mean over IoU 0.50..0.95) and AP50 of `results`."""
    evaluation = COCOeval(truth, truth.load_res(results), "bbox")
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
    for file, counted, least in CHECKS:
        truth = COCO(str(args.data / "annotations" / file))
        ap, ap50 = box_ap(truth, detections(model, truth, args.data / "images"))
        print(f"{file} ({counted}, {len(truth.get_img_ids())} photos): box AP {ap:.3f}, AP50 {ap50:.3f}")
        right = right and ap >= least
    if not right:
        print("Too low: the weights, or the code that runs them, are wrong.", file=sys.stderr)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
