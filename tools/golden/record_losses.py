"""Record the reference's training losses and their gradients for two pictures with hand-made targets, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import project_masks_on_boxes
from torchvision.ops import box_iou
from torchvision_model import build, captured, pictures, probe_arrays, replace, seeded

SIZE = (192, 256)  # min_size and max_size of the transform
REGIONS = 64  # box_batch_size_per_image (torchvision's default is 512): a quarter of them go through the mask head
LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask")
SLICED = (
    "backbone.body.conv1.weight",
    "backbone.body.layer1.0.conv1.weight",
    "backbone.fpn.inner_blocks.1.0.weight",
    "backbone.fpn.layer_blocks.0.0.weight",
    "rpn.head.conv.0.0.weight",
    "rpn.head.cls_logits.weight",
    "rpn.head.bbox_pred.weight",
    "roi_heads.box_head.fc6.weight",
    "roi_heads.box_predictor.cls_score.weight",
    "roi_heads.box_predictor.bbox_pred.weight",
    "roi_heads.mask_head.0.0.weight",
    "roi_heads.mask_predictor.conv5_mask.weight",
    "roi_heads.mask_predictor.mask_fcn_logits.weight",
)
Arrays = dict[str, np.ndarray]


def targets(dtype: torch.dtype) -> list[dict[str, Tensor]]:
    """The targets of both pictures; the boxes in the model's precision."""
    both = [{key: torch.from_numpy(value) for key, value in seeded.target(index).items()} for index in (0, 1)]
    return [target | {"boxes": target["boxes"].to(dtype)} for target in both]


def watch_sampling(model: MaskRCNN, seen: dict[str, Any]) -> None:
    """Keep the anchors and the regions that are sampled; round the regions to float32, which is how they are stored.

    The anchors' labels, always float32 in torchvision, are made float64, or else the objectness loss is float32.
    """

    def assigned(original: Callable[..., Any], *arguments: Any) -> Any:
        labels, boxes = original(*arguments)
        return [label.double() for label in labels], boxes

    def anchors(original: Callable[..., Any], labels: list[Tensor]) -> Any:
        seen["anchor_labels"] = labels
        seen["sampled_anchors"] = original(labels)
        return seen["sampled_anchors"]

    def regions(original: Callable[..., Any], proposals: list[Tensor], wanted: list[dict[str, Tensor]]) -> Any:
        seen["targets"] = wanted
        boxes, matched, labels, _ = original(proposals, wanted)
        boxes = [box.float().to(box.dtype) for box in boxes]
        matched_boxes = [target["boxes"][index] for target, index in zip(wanted, matched)]
        seen["regions"] = (boxes, matched, labels, model.roi_heads.box_coder.encode(matched_boxes, boxes))
        return seen["regions"]

    replace(model.rpn, "assign_targets_to_anchors", assigned)
    replace(model.rpn, "fg_bg_sampler", anchors)
    replace(model.roi_heads, "select_training_samples", regions)
    replace(model.rpn, "anchor_generator", lambda original, *a: seen.setdefault("anchors", original(*a)))


def replay_sampling(model: MaskRCNN, seen: dict[str, Any], dtype: torch.dtype) -> None:
    """Make a model sample what another one did."""
    boxes, matched, labels, deltas = seen["regions"]
    again = ([box.to(dtype) for box in boxes], matched, labels, [delta.to(dtype) for delta in deltas])
    replace(model.rpn, "fg_bg_sampler", lambda _original, _labels: seen["sampled_anchors"])
    replace(model.roi_heads, "select_training_samples", lambda *_: again)


def gradients(model: MaskRCNN, losses: dict[str, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient norms (loss, parameter) and slices (loss, SLICED, 32) of the sum and of every loss alone."""
    named = dict(model.named_parameters())
    norms, slices = [], []
    for loss in (sum(losses[name] for name in LOSSES), *(losses[name] for name in LOSSES)):
        found = torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True)
        grads = {name: torch.zeros_like(p) if g is None else g for (name, p), g in zip(named.items(), found)}
        norms.append([grad.norm().item() for grad in grads.values()])
        picked = (grads[name].flatten() for name in SLICED)
        slices.append([grad[torch.from_numpy(seeded.probe_indices(grad.numel()))].tolist() for grad in picked])
    return np.array(norms), np.array(slices)


def knife_edges(seen: dict[str, Any]) -> dict[str, float]:
    """The smallest distances of the matching from rounding: overlaps to a threshold, second best to best anchor.

    Anchors whose overlap is exactly the best one (a box that holds several whole ones) are not second best.
    """
    near, best = [], []
    for target, anchors in zip(seen["targets"], seen["anchors"]):
        overlap = box_iou(target["boxes"], anchors)
        top = overlap.max(0).values
        near += [(top - 0.3).abs().min().item(), (top - 0.7).abs().min().item()]
        behind = overlap.max(1, keepdim=True).values - overlap
        best.append(behind[behind > 0].min().item())
    regions = [
        (box_iou(target["boxes"], boxes).max(0).values - 0.5).abs().min().item()
        for target, boxes in zip(seen["targets"], seen["regions"][0])
    ]
    return {"anchor_threshold": min(near), "second_best_anchor": min(best), "region_threshold": min(regions)}


def image_arrays(seen: dict[str, Any], index: int) -> Arrays:
    """Everything that is stored of one image."""
    target = seen["targets"][index]
    positive, negative = (chosen[index].nonzero()[:, 0].numpy() for chosen in seen["sampled_anchors"])
    boxes, matched, labels, deltas = (values[index] for values in seen["regions"])
    of_things = labels > 0
    cut = project_masks_on_boxes(target["masks"], boxes[of_things], matched[of_things], 28)
    return {
        "image_size": np.array(seen["image_sizes"][index]),
        "boxes": target["boxes"].numpy(),
        "mask_areas": target["masks"].sum((1, 2), dtype=torch.int64).numpy(),
        "mask_bits": np.packbits(target["masks"].numpy()),
        "anchor_labels": seen["anchor_labels"][index].numpy().astype(np.int8),
        "anchors_positive": positive,
        "anchors_negative": negative,
        "region_boxes": boxes.float().numpy(),
        "region_labels": labels.numpy(),
        "region_matched": matched.numpy(),
        "region_deltas": deltas.numpy(),
        "mask_target_means": cut.mean((1, 2)).numpy(),
    }


def losses_float32(seen: dict[str, Any]) -> np.ndarray:
    """The same losses in float32, with the same samples."""
    model = build(*SIZE, box_batch_size_per_image=REGIONS).train()
    replay_sampling(model, seen, torch.float32)
    found = model(pictures([0, 1]), targets(torch.float32))
    return np.array([found[name].item() for name in LOSSES])


def record() -> tuple[Arrays, dict[str, Any]]:
    """The arrays of ``losses.npz`` and the report of ``meta.json``."""
    torch.manual_seed(0)
    model = build(*SIZE, torch.float64, box_batch_size_per_image=REGIONS).train()
    with captured(model) as seen:
        watch_sampling(model, seen)
        losses = model(pictures([0, 1], torch.float64), targets(torch.float64))
    norms, slices = gradients(model, losses)
    arrays: Arrays = {"losses": np.array([losses[name].item() for name in LOSSES])}
    arrays |= {"losses_float32": losses_float32(seen), "gradient_norms": norms, "gradient_slices": slices}
    arrays["probe"], arrays["probe_shapes"] = probe_arrays(seen)
    for index in (0, 1):
        arrays |= {f"{index}/{key}": value for key, value in image_arrays(seen, index).items()}
    report = {
        "size": SIZE,
        "regions_per_image": REGIONS,
        "losses": LOSSES,
        "parameters": [name for name, _ in model.named_parameters()],
        "sliced": SLICED,
        "values": dict(zip(LOSSES, arrays["losses"].tolist())),
        "positive_anchors": [len(arrays[f"{index}/anchors_positive"]) for index in (0, 1)],
        "positive_regions": [int((arrays[f"{index}/region_labels"] > 0).sum()) for index in (0, 1)],
        "knife_edges": knife_edges(seen),
    }
    return arrays, report
