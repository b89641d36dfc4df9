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

BODY = "SSDLite MobileNetV2 trained on COCO boxes by the TensorFlow object detection API (Apache-2.0)"
ORIGINS: dict[str, dict[str, object]] = {
    "people": {
        "data": "COCO 2017 annotations (CC BY 4.0) on 1,508 photos: persons and their keypoints; 182 photos of animals "
        "(CC BY 4.0) and 38 of COCO's without a person; before that the data of everyday",
        "starting_weights": f"the model everyday, and so {BODY}; MoveNet SinglePose Lightning by Google (Apache-2.0)",
    },
    "everyday": {
        "data": "COCO 2017 annotations (CC BY 4.0) on 1,508 photos, 389 of them with all classes; masks of 545 photos "
        "of animals (CC BY 4.0); in a version before, pseudo-labels of the detector that the weights start from",
        "starting_weights": BODY,
    },
    "nuclei": {
        "data": "Data Science Bowl 2018 (CC0), 505 images with 22,350 nuclei",
        "starting_weights": f"the model people, and so {BODY}",
        "tile": 512,  # pixels of the file: larger images are cut, see maskrcnn.inference.tiling.tiles
    },
    "ecg": {
        "data": "QT Database (PhysioNet, ODC-BY): 40 records of two leads, the waves that cardiologists marked",
        "starting_weights": "none: random",
    },
    "spoken-digits": {
        "data": "Free Spoken Digit Dataset (CC BY-SA 4.0): 720 clips of four speakers, composed into 600 recordings",
        "starting_weights": "none: random",
    },
    "hippocampus": {
        "data": "Medical Segmentation Decathlon, task 4 (CC BY-SA 4.0): 120 MRI crops, anterior and posterior part",
        "starting_weights": "none: random",
    },
}
KINDS = ("box/", "mask/", "keypoints/", "ecg/", "digits/", "hippocampus/", "semantic/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("metrics", type=Path, help="metrics.json of maskrcnn evaluate")
    parser.add_argument("name", choices=ORIGINS, help="file name in the package")
    parser.add_argument("--image-size", type=int, help="longer side that images are resized to (default: as trained)")
    arguments = parser.parse_args()

    model, info = load_checkpoint(arguments.checkpoint)
    if arguments.image_size:
        size = arguments.image_size
        preprocess = dataclasses.replace(info.config.preprocess, min_size=size, max_size=size)
        info = dataclasses.replace(info, config=dataclasses.replace(info.config, preprocess=preprocess))
    measured = json.loads(arguments.metrics.read_text())
    metrics = {k: v for k, v in measured.items() if k.startswith(KINDS) and v is not None}
    info = dataclasses.replace(
        info, metrics=metrics, notes={**info.notes, **ORIGINS[arguments.name], "licence": "Apache-2.0"}
    )
    target = model_path(arguments.name)
    save_checkpoint(target, model, info, half=True)
    print(f"{target}: {target.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
