"""Make a shipped model of a trained one: half precision, measured metrics and origin in its header.

python tools/ship.py runs/people/best.safetensors runs/evaluate-people/metrics.json people --image-size 448
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.pretrained import model_path

ORIGIN = {
    "data": "COCO 2017 annotations (CC BY 4.0) on 1,508 photos, persons only",
    "starting_weights": "SSDLite MobileNetV2 trained on COCO by the TensorFlow object detection API (Apache-2.0)",
    "licence": "Apache-2.0",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("metrics", type=Path, help="metrics.json of maskrcnn evaluate")
    parser.add_argument("name", help="file name in the package")
    parser.add_argument("--image-size", type=int, help="longer side that images are resized to (default: as trained)")
    arguments = parser.parse_args()

    model, info = load_checkpoint(arguments.checkpoint)
    if arguments.image_size:
        size = arguments.image_size
        preprocess = dataclasses.replace(info.config.preprocess, min_size=size, max_size=size)
        info = dataclasses.replace(info, config=dataclasses.replace(info.config, preprocess=preprocess))
    measured = json.loads(arguments.metrics.read_text())
    metrics = {k: v for k, v in measured.items() if k.startswith(("box/", "mask/")) and v is not None}
    info = dataclasses.replace(info, metrics=metrics, notes={**info.notes, **ORIGIN})
    target = model_path(arguments.name)
    save_checkpoint(target, model, info, half=True)
    print(f"{target}: {target.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
