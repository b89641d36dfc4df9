"""Record torchvision's operators on small inputs, which are stored with the results."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import paste_masks_in_image, project_masks_on_boxes
from torchvision.ops import batched_nms, box_iou, nms, roi_align
from torchvision.ops.poolers import LevelMapper

Tensors = dict[str, Tensor]


def draw(seed: int, *shape: int) -> Tensor:
    """Float32 values in 0..1."""
    return torch.from_numpy(np.random.RandomState(seed).random_sample(shape).astype(np.float32))


def boxes_in(seed: int, count: int, size: float, low: float, high: float) -> Tensor:
    """Boxes with centres in a square picture and sides between low and high; they may reach over its border."""
    values = draw(seed, count, 4)
    centre, side = values[:, :2] * size, low + (high - low) * values[:, 2:]
    return torch.cat([centre - side / 2, centre + side / 2], dim=1)


def regions() -> Tensors:
    """``roi_align``: regions inside, over the border, outside, tiny, and one that is turned inside out."""
    features = draw(1, 2, 3, 12, 16)
    special = torch.tensor(
        [
            [0, 0.0, 0.0, 64.0, 48.0],
            [0, -20.0, -10.0, 30.0, 25.0],
            [1, 40.0, 30.0, 90.0, 70.0],
            [1, 10.3, 12.7, 10.5, 12.8],
            [0, -40.0, -40.0, -20.0, -20.0],
            [1, 63.9, 47.9, 70.0, 60.0],
            [1, 30.0, 20.0, 20.0, 10.0],
            [0, 5.0, 7.0, 61.0, 9.0],
        ]
    )
    drawn = torch.cat([torch.tensor([[0.0], [1.0]]).repeat(4, 1), boxes_in(2, 8, 56.0, 4.0, 40.0)], dim=1)
    found = {"roi_align/features": features.requires_grad_(), "roi_align/regions": torch.cat([special, drawn])}
    for aligned in (False, True):
        for ratio in (2, 0, -1):
            for size in ((7, 7), (3, 5)):
                name = f"roi_align/{'aligned' if aligned else 'plain'}_{ratio}_{size[0]}x{size[1]}"
                pooled = roi_align(features, found["roi_align/regions"], size, 0.25, ratio, aligned)
                weights = draw(3, *pooled.shape)
                (gradient,) = torch.autograd.grad((pooled * weights).sum(), features)
                found |= {name: pooled, f"{name}_gradient": gradient}
                found[f"roi_align/weights_{size[0]}x{size[1]}"] = weights
    return found


def suppression() -> Tensors:
    """``nms`` and ``batched_nms`` on 200 boxes, and on 1100, where torchvision goes class by class."""
    found: Tensors = {}
    for count in (200, 1100):
        boxes, scores = boxes_in(count, count, 100.0, 10.0, 50.0), draw(count + 1, count)
        groups = (draw(count + 2, count) * 5).long()
        found |= {f"nms/{count}/boxes": boxes, f"nms/{count}/scores": scores, f"nms/{count}/groups": groups}
        for threshold in (0.5, 0.7):
            found[f"nms/{count}/kept_{threshold}"] = nms(boxes, scores, threshold)
            found[f"nms/{count}/kept_by_group_{threshold}"] = batched_nms(boxes, scores, groups, threshold)
    return found


def anchors() -> Tensors:
    """The cell anchors of the five levels and all anchors of a 96 x 160 input whose last level has an odd stride."""
    generator = AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)
    grids = [(24, 40), (12, 20), (6, 10), (3, 5), (2, 3)]
    maps = [torch.zeros(1, 1, *grid) for grid in grids]
    (found,) = generator(ImageList(torch.zeros(1, 3, 96, 160), [(96, 160)]), maps)
    cells = torch.stack(generator.cell_anchors)
    return {"anchors/cells": cells, "anchors/grids": torch.tensor(grids), "anchors/all": found}


def coding() -> Tensors:
    """``BoxCoder`` with both weights in use, codes beyond the clamp of the sizes among them."""
    wanted, reference = boxes_in(20, 30, 100.0, 5.0, 60.0), boxes_in(21, 30, 100.0, 5.0, 60.0)
    codes = (draw(22, 30, 8) - 0.5) * 6
    codes[:3, [2, 7]] = torch.tensor([4.2, 45.0])
    found = {"coder/wanted": wanted, "coder/reference": reference, "coder/codes": codes}
    for name, weights in (("1", (1.0, 1.0, 1.0, 1.0)), ("10_5", (10.0, 10.0, 5.0, 5.0))):
        coder = BoxCoder(weights)
        found[f"coder/encoded_{name}"] = coder.encode_single(wanted, reference)
        found[f"coder/decoded_{name}"] = coder.decode(codes, [reference])
    return found


def matching() -> Tensors:
    """``box_iou``, and ``Matcher`` as the anchors (0.7, 0.3, low quality too) and as the regions (0.5) use it."""
    truth, candidates = boxes_in(30, 6, 100.0, 15.0, 60.0), boxes_in(31, 300, 100.0, 15.0, 60.0)
    overlap = box_iou(truth, candidates)
    found = {"match/truth": truth, "match/candidates": candidates, "match/overlap": overlap}
    found["match/anchors"] = Matcher(0.7, 0.3, allow_low_quality_matches=True)(overlap)
    found["match/regions"] = Matcher(0.5, 0.5, allow_low_quality_matches=False)(overlap)
    return found


def levels() -> Tensors:
    """``LevelMapper``: squares around the sides at which the pyramid's level changes."""
    sides = torch.tensor([1e-3, 10, 111.99, 112, 112.01, 223.99, 224, 224.01, 447.99, 448, 448.01, 1000])
    squares = torch.stack([torch.zeros_like(sides), torch.zeros_like(sides), sides, sides], dim=1)
    return {"levels/boxes": squares, "levels/level": LevelMapper(2, 5)([squares])}


def masks() -> Tensors:
    """``paste_masks_in_image`` and ``project_masks_on_boxes`` with boxes inside, over the border and tiny."""
    boxes = torch.tensor(
        [
            [10.2, 5.6, 40.7, 30.1],
            [-12.3, -4.0, 20.0, 18.5],
            [30.0, 20.0, 75.0, 52.0],
            [22.4, 17.3, 22.9, 17.6],
            [51.0, 38.5, 60.0, 44.0],
            [0.0, 0.0, 60.0, 44.0],
        ]
    )
    small = draw(40, len(boxes), 1, 28, 28)
    found = {"masks/boxes": boxes, "masks/small": small, "masks/pasted": paste_masks_in_image(small, boxes, (44, 60))}
    large = (draw(41, 3, 44, 60) > 0.5).to(torch.uint8)
    matched = torch.tensor([0, 2, 1, 1, 0, 2])
    cut = project_masks_on_boxes(large, boxes, matched, 28)
    return found | {"masks/large": large, "masks/matched": matched, "masks/cut": cut}


def record() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of ``ops.npz``; nothing for ``meta.json``."""
    found: Tensors = {}
    for part in (regions, suppression, anchors, coding, matching, levels, masks):
        found |= part()
    return {name: tensor.detach().numpy() for name, tensor in found.items()}, {}
