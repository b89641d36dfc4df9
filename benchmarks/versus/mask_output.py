"""100 masks of 28 x 28 over boxes of a 3840 x 2160 image, to COCO's run lengths."""

from __future__ import annotations

import json

import numpy as np
import torch
from torch import Tensor

from cases import Arrays, Case, Work
from maskrcnn.inference.predictor import paste_regions
from maskrcnn.rle import regions_to_rle

SHAPE, COUNT = (2160, 3840), 100


def given() -> tuple[Tensor, Tensor]:
    """Discs with a soft border, ``[N, 28, 28]``, over boxes of 60 to 900 pixels."""
    generator = np.random.default_rng(0)
    side = np.exp(generator.uniform(np.log(60), np.log(900), (COUNT, 2)))
    centre = generator.uniform(0, 1, (COUNT, 2)) * SHAPE[::-1]
    boxes = np.concatenate([centre - side / 2, centre + side / 2], 1).clip(0, np.tile(SHAPE[::-1], 2))
    y, x = np.mgrid[:28, :28] - 13.5
    radius = generator.uniform(8, 13, COUNT)[:, None, None]
    masks = 1 / (1 + np.exp(np.hypot(x, y)[None] - radius))
    return torch.from_numpy(masks.astype(np.float32)), torch.from_numpy(boxes.astype(np.float32))


def packed(runs: list[dict]) -> Arrays:
    """COCO's strings of all masks as one array of bytes."""
    counts = [r["counts"] if isinstance(r["counts"], str) else r["counts"].decode() for r in runs]
    return {"counts": np.frombuffer(json.dumps(counts).encode(), np.uint8)}


def ours() -> Work:
    masks, boxes = given()

    def run() -> Arrays:
        regions = paste_regions(masks, boxes, SHAPE)
        return packed([regions_to_rle(regions, i) for i in range(COUNT)])

    return run


def theirs() -> Work:
    from pycocotools import mask as coco_mask
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    masks, boxes = given()

    def run() -> Arrays:
        pasted = (paste_masks_in_image(masks[:, None], boxes, SHAPE) > 0.5).numpy()
        return packed([coco_mask.encode(np.asfortranarray(mask[0], dtype=np.uint8)) for mask in pasted])

    return run


def agree(one: Arrays, other: Arrays) -> str:
    from pycocotools import mask as coco_mask

    a, b = ([{"size": SHAPE, "counts": c} for c in json.loads(side["counts"].tobytes())] for side in (one, other))
    overlaps = [coco_mask.iou([x], [y], [0])[0, 0] for x, y in zip(a, b)]
    return f"IoU of the masks at least {min(overlaps):.3f} (pasted at pixel centres, theirs on whole pixels)"


CASES = {"masks": Case("100 masks at 3840 x 2160 to run lengths", ours, theirs, agree, 3, 10.0)}
