"""Photos that nobody labelled and in which the detector sees nothing of a class: photos that show none of it.

    python tools/quiet_photos.py ../shared/data/coco/unlabelled person --out runs/quiet.json

A photo counts if no place of it, seen whole and mirrored, scores `--most` or more (SSDLite, see `tools/ssdlite.py`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image

from maskrcnn.checkpoints.foreign.coco_classes import COCO_CLASSES
from maskrcnn.files import atomic_write
from ssdlite import SSDLite, load_ssdlite

WEIGHTS = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")


def highest_score(model: SSDLite, photo: torch.Tensor, category_id: int) -> float:
    """The highest score of a class anywhere in `photo`, uint8 `[H, W, 3]`, or in its mirror image."""
    best = 0.0
    for view in (photo, photo.flip(1)):
        _, scores, labels = model.detect(view, 0.01)
        best = max([best, *scores[labels == category_id].tolist()])
    return best


def main(photos: tyro.conf.Positional[Path], category: tyro.conf.Positional[str], out: Path, most: float = 0.1) -> None:
    """Write the data set."""
    (category_id,) = (k for k, name in COCO_CLASSES.items() if name == category)
    model, images = load_ssdlite(WEIGHTS), []
    paths = sorted(p for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in paths:
        photo = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
        if highest_score(model, photo, category_id) < most:
            height, width = photo.shape[:2]
            name = os.path.relpath(path, out.parent)
            images.append({"id": len(images) + 1, "file_name": name, "height": height, "width": width})
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": category}]}
    with atomic_write(out) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
    print(f"{out}: {len(images)} of {len(paths)} photos without a {category}")


if __name__ == "__main__":
    tyro.cli(main)
