"""Single operators against torchvision's, on recorded inputs; ``ops/`` has slow twins of its own besides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference import recording
from torch import Tensor

from maskrcnn.ops.anchors import aspect_shapes, cell_anchors, grid_anchors
from maskrcnn.ops.box_coding import decode_boxes, encode_boxes
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.masks import crop_mask, paste_mask
from maskrcnn.ops.matching import match
from maskrcnn.ops.nms import grouped_nms, nms
from maskrcnn.ops.roi_align import assign_levels, roi_align

WEIGHTS = {"1": (1.0,) * 4, "10_5": (10.0, 10.0, 5.0, 5.0)}


@pytest.fixture(scope="module")
def recorded() -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in recording("ops").items()}


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [2, 0, -1])
@pytest.mark.parametrize("size", [(7, 7), (3, 5)])
def test_roi_align_and_its_gradient(
    recorded: dict[str, Tensor], aligned: bool, ratio: int, size: tuple[int, int]
) -> None:
    name = f"roi_align/{'aligned' if aligned else 'plain'}_{ratio}_{size[0]}x{size[1]}"
    features = recorded["roi_align/features"].clone().requires_grad_()
    regions = recorded["roi_align/regions"]
    low, high = regions[:, 1:].chunk(2, 1)
    proper = (high >= low).all(1)  # ours reads a box that is turned inside out backwards, torchvision leaves it at 0
    image, level = regions[:, 0].long(), torch.zeros(len(regions), dtype=torch.long)
    pooled = roi_align([features], regions[:, 1:], image, level, [(4, 4)], size, max(ratio, 0), aligned)
    close(pooled[proper], recorded[name][proper])
    expected = recorded[f"{name}_gradient"]
    weights = recorded[f"roi_align/weights_{size[0]}x{size[1]}"]
    if recorded[name][~proper].abs().sum() == 0:
        (gradient,) = torch.autograd.grad((pooled * weights)[proper].sum(), features)
        close(gradient, expected)


@pytest.mark.parametrize("count", [200, 1100])
@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_nms(recorded: dict[str, Tensor], count: int, threshold: float) -> None:
    boxes, scores, groups = (recorded[f"nms/{count}/{part}"] for part in ("boxes", "scores", "groups"))
    assert nms(boxes, scores, threshold).tolist() == recorded[f"nms/{count}/kept_{threshold}"].tolist()
    kept = grouped_nms(boxes, scores, groups, threshold)
    assert kept.tolist() == recorded[f"nms/{count}/kept_by_group_{threshold}"].tolist()


def test_anchors(recorded: dict[str, Tensor]) -> None:
    shapes = aspect_shapes((0.5, 1.0, 2.0))
    levels = []
    for k, grid in enumerate(recorded["anchors/grids"].tolist()):
        cells = cell_anchors((32.0 * 2**k,), shapes, rounded=True)
        close(cells, recorded["anchors/cells"][k])
        levels.append(grid_anchors(cells, grid, (96 // grid[0], 160 // grid[1])))
    close(torch.cat(levels), recorded["anchors/all"])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_box_coding(recorded: dict[str, Tensor], weights: str) -> None:
    wanted, reference = recorded["coder/wanted"], recorded["coder/reference"]
    close(encode_boxes(wanted, reference, WEIGHTS[weights]), recorded[f"coder/encoded_{weights}"])
    codes = recorded["coder/codes"].reshape(30, 2, 4)
    close(decode_boxes(codes, reference[:, None], WEIGHTS[weights]), recorded[f"coder/decoded_{weights}"], 1e-4)


def test_iou_and_matching(recorded: dict[str, Tensor]) -> None:
    overlap = pairwise_iou(recorded["match/truth"], recorded["match/candidates"])
    close(overlap, recorded["match/overlap"])
    assert match(overlap, 0.7, 0.3, keep_best=True).tolist() == recorded["match/anchors"].tolist()
    assert match(overlap, 0.5, 0.5).tolist() == recorded["match/regions"].tolist()


def test_levels(recorded: dict[str, Tensor]) -> None:
    assert assign_levels(recorded["levels/boxes"], 4).tolist() == recorded["levels/level"].tolist()


def test_pasting_and_cropping(recorded: dict[str, Tensor]) -> None:
    boxes, expected = recorded["masks/boxes"], recorded["masks/pasted"]
    for box, small, pasted in zip(boxes, recorded["masks/small"], expected):
        (top, left), window = paste_mask(small[0], box, (44, 60), exact_torchvision=True)
        full = torch.zeros(44, 60)
        full[top : top + window.shape[0], left : left + window.shape[1]] = window
        close(full, pasted[0])
    for box, owner, cut in zip(boxes, recorded["masks/matched"], recorded["masks/cut"]):
        close(crop_mask(recorded["masks/large"][owner].float(), box, (28, 28), aligned=False), cut)
