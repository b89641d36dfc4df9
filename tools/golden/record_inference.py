"""Record what the reference finds on the pictures, each by itself and both in a batch, at two sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection._utils import overwrite_eps
from torchvision.ops.poolers import LevelMapper
from torchvision_model import build, captured, load_seeded, pictures, probe_arrays

SETTINGS = ((320, 512), (448, 640))  # (min_size, max_size) of the transform
CASES = {"alone0": [0], "alone1": [1], "batch": [0, 1]}
MASKS, PASTED, WINDOW = 10, 2, 32
Arrays = dict[str, np.ndarray]


def quantised(probabilities: Tensor) -> np.ndarray:
    """Probabilities as uint16, in 65535ths."""
    return torch.round(probabilities.double() * 65535).numpy().astype(np.uint16)


def run(model: MaskRCNN, indices: list[int]) -> tuple[list[dict[str, Tensor]], dict[str, Any]]:
    """Detections of the pictures and what was captured on the way."""
    dtype = next(model.parameters()).dtype
    with torch.no_grad(), captured(model) as seen:
        found = model(pictures(indices, dtype))
    return found, seen


def pasted_arrays(found: dict[str, Tensor]) -> Arrays:
    """The full-size masks of the largest and the smallest detection, and a window at a corner of each."""
    boxes, masks = found["boxes"], found["masks"][:, 0]
    order = torch.argsort((boxes[:, 2:] - boxes[:, :2]).prod(1), descending=True)
    chosen = order[[0, -1]]
    height, width = masks.shape[1:]
    corners = (boxes[chosen][:, [1, 0]].floor().long() - 4).clamp(min=0)
    corners = torch.minimum(corners, torch.tensor([height - WINDOW, width - WINDOW]))
    windows = [masks[i, y : y + WINDOW, x : x + WINDOW] for i, (y, x) in zip(chosen, corners.tolist())]
    return {
        "pasted_index": chosen.numpy(),
        "pasted_bits": np.packbits((masks[chosen] >= 0.5).numpy()),
        "window_corner": corners.numpy(),
        "window_probs": quantised(torch.stack(windows)),
    }


def image_arrays(found: dict[str, Tensor], seen: dict[str, Any], position: int) -> Arrays:
    """Everything that is stored of one image but the answers in double precision."""
    proposals = seen["proposals"][position]
    mapper = LevelMapper(2, 5)
    return {
        "image_size": np.array(seen["image_sizes"][position]),
        "proposals": proposals.numpy(),
        "proposal_scores": seen["proposal_scores"][position].numpy(),
        "proposals_per_level": np.bincount(mapper([proposals]).numpy(), minlength=4),
        "network_boxes": seen["detections"][position]["boxes"].numpy(),
        "boxes": found["boxes"].numpy(),
        "labels": found["labels"].numpy(),
        "scores": found["scores"].numpy(),
        "mask_probs": quantised(seen["detections"][position]["masks"][:MASKS, 0]),
        **pasted_arrays(found),
    }


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, float]:
    """How far apart two lists of detections are that must agree in number, order and labels."""
    assert torch.equal(one["labels"], other["labels"]), "the detections differ"
    names = ("boxes", "scores", "masks")
    return {name: (one[name].double() - other[name].double()).abs().max().item() for name in names}


def summary(found: dict[str, Tensor]) -> dict[str, Any]:
    """What a reader wants to know of the detections of an image: how many, how varied, how far from a tie."""
    boxes, scores = found["boxes"], found["scores"]
    sides = (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()
    return {
        "detections": len(scores),
        "classes": len(found["labels"].unique()),
        "smallest_score_gap": round((scores[:-1] - scores[1:]).min().item(), 6),
        "score_range": [round(scores[-1].item(), 4), round(scores[0].item(), 4)],
        "side_range": [round(sides.min().item(), 1), round(sides.max().item(), 1)],
    }


def unmatched(proposals: Tensor, others: Tensor, far: float = 0.05) -> int:
    """How many proposals have no counterpart within ``far`` pixels among the others."""
    distance = (proposals.double()[:, None] - others.double()[None]).abs().amax(2)
    return int((distance.min(1).values > far).sum())


def record_setting(size: tuple[int, int]) -> tuple[Arrays, dict[str, Any]]:
    """All cases at one size, float32, checked against the same model in float64; the probes are of the latter."""
    model, exact = build(*size), build(*size, torch.float64)
    arrays: Arrays = {}
    report: dict[str, Any] = {}
    for case, indices in CASES.items():
        found, seen = run(model, indices)
        exact_found, exact_seen = run(exact, indices)
        name = f"{size[0]}/{case}"
        arrays[f"{name}/probe"], arrays[f"{name}/probe_shapes"] = probe_arrays(exact_seen)
        for position, index in enumerate(indices):
            one = image_arrays(found[position], seen, position)
            one |= {f"exact_{key}": exact_found[position][key].numpy() for key in ("boxes", "scores")}
            arrays |= {f"{name}/{index}/{key}": value for key, value in one.items()}
            lost = unmatched(seen["proposals"][position], exact_seen["proposals"][position])
            assert lost == 0, f"{lost} proposals of {name}/{index} hang on rounding"
            report[f"{name}/{index}"] = summary(found[position]) | {
                "float64_difference": difference(found[position], exact_found[position])
            }
    return arrays, report


def record_no_eps() -> tuple[Arrays, dict[str, Any]]:
    """Picture 0 alone at the first size with eps 0 in the frozen norms, as torchvision sets it for its COCO weights."""
    model = build(*SETTINGS[0])
    usual, _ = run(model, [0])
    overwrite_eps(model, 0.0)
    found, _ = run(model, [0])
    exact = build(*SETTINGS[0], torch.float64)
    overwrite_eps(exact, 0.0)
    exact_found, _ = run(exact, [0])
    report = summary(found[0]) | {"float64_difference": difference(found[0], exact_found[0])}
    if torch.equal(usual[0]["labels"], found[0]["labels"]):
        report["difference_to_eps_1e-5"] = difference(usual[0], found[0])
    return {f"eps0/{key}": found[0][key].numpy() for key in ("boxes", "labels", "scores")}, report


def batch_norm_difference() -> dict[str, float]:
    """How far ``maskrcnn_resnet50_fpn(weights=None)`` with its plain batch norms is from the frozen ones."""
    size = dict(zip(("min_size", "max_size"), SETTINGS[0]))
    plain = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91, **size).eval()
    load_seeded(plain)
    return difference(run(build(*SETTINGS[0]), [0])[0][0], run(plain, [0])[0][0])


def record() -> tuple[Arrays, dict[str, Any]]:
    """The arrays of ``inference.npz`` and the report of ``meta.json``."""
    arrays, report = record_no_eps()
    cases: dict[str, Any] = {"eps0": report}
    for size in SETTINGS:
        more, checked = record_setting(size)
        arrays |= more
        cases |= checked
    return arrays, {"cases": cases, "batch_norm_difference": batch_norm_difference()}
