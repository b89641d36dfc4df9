"""torchvision's other models with seeded weights, in double precision, and what they find."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import detection, resnet101
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "golden"))
import variants  # noqa: E402

Found = list[dict[str, Tensor]]


def _resnet101(**options: Any) -> nn.Module:
    options.pop("weights_backbone")
    options.pop("weights")
    return detection.MaskRCNN(_resnet_fpn_extractor(resnet101(weights=None), trainable_layers=5), **options)


@functools.cache
def _empty(name: str, proposals: int, detections: int, size: tuple[int, int]) -> nn.Module:
    """The variant's model, without any weights that mean something."""
    variant = variants.VARIANTS[name]
    options: dict[str, Any] = {"num_classes": variant.classes, "box_detections_per_img": detections}
    options |= {"rpn_post_nms_top_n_test": proposals, "min_size": size[0], "max_size": size[1]}
    build = _resnet101 if "101" in variant.builder else getattr(detection, variant.builder)
    model: nn.Module = build(weights=None, weights_backbone=None, **options)
    return model


def shapes(name: str) -> dict[str, list[int]]:
    """The names and shapes of its state dict, without the batch norms' counters."""
    state = _empty(name, variants.PROPOSALS, variants.DETECTIONS, variants.SIZE).state_dict()
    return {key: list(value.shape) for key, value in state.items() if not key.endswith("num_batches_tracked")}


def build(
    name: str,
    seed: int = 0,
    norm_eps: float = 1e-5,
    proposals: int = variants.PROPOSALS,
    detections: int = variants.DETECTIONS,
    size: tuple[int, int] = variants.SIZE,
) -> nn.Module:
    """The variant with the seed's weights, in evaluation mode."""
    model = _empty(name, proposals, detections, size).double().eval()
    state = {key: torch.from_numpy(value) for key, value in variants.weights(shapes(name), seed).items()}
    problems = model.load_state_dict(state, strict=False)
    assert all(key.endswith("num_batches_tracked") for key in problems.missing_keys) and not problems.unexpected_keys
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = norm_eps
    return model


def find(model: nn.Module, pictures: list[Tensor]) -> Found:
    """What it finds in pictures ``[3, height, width]`` (0..1, double), and the masks over their boxes (``small``)."""
    seen: list[Tensor] = []
    handle = None
    if getattr(model.roi_heads, "mask_predictor", None) is not None:
        handle = model.roi_heads.mask_predictor.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.inference_mode():
        found: Found = model(pictures)
    if handle is not None:
        handle.remove()
        for own, masks in zip(found, seen[0].split([len(f["labels"]) for f in found])):
            own["small"] = masks[torch.arange(len(masks)), own["labels"]].sigmoid()
    return found
