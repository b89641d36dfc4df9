"""The reference: torchvision's Mask R-CNN with the seeded weights, and what is captured while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops.misc import FrozenBatchNorm2d

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "golden"))
import seeded  # noqa: E402

LEVELS = ("p2", "p3", "p4", "p5", "p6")
PROBED_ROWS = 20  # of the tensors with one row per proposal: beyond, two nearly equal proposals may change places


def shapes_of(model: nn.Module) -> dict[str, list[int]]:
    """The names and shapes of a state dict, without the batch norms' counters."""
    tensors = model.state_dict().items()
    return {name: list(tensor.shape) for name, tensor in tensors if not name.endswith("num_batches_tracked")}


def load_seeded(model: nn.Module) -> None:
    """Give a model the seeded weights."""
    weights = {name: torch.from_numpy(w) for name, w in seeded.seeded_state_dict(shapes_of(model)).items()}
    problems = model.load_state_dict(weights, strict=False)
    left = [name for name in problems.missing_keys if not name.endswith("num_batches_tracked")]
    assert not left and not problems.unexpected_keys, problems


def build(min_size: int, max_size: int, dtype: torch.dtype = torch.float32, **options: Any) -> MaskRCNN:
    """``maskrcnn_resnet50_fpn`` with frozen norms (eps 1e-5), all layers trainable, in evaluation mode."""
    body = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    backbone = _resnet_fpn_extractor(body, trainable_layers=5)
    model = MaskRCNN(backbone, num_classes=seeded.NUM_CLASSES, min_size=min_size, max_size=max_size, **options)
    load_seeded(model)
    return model.to(dtype).eval()


def pictures(indices: list[int], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """The pictures with these indices."""
    return [torch.from_numpy(seeded.picture(index)).to(dtype) for index in indices]


def replace(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Put ``around(original, *arguments)`` in the place of an attribute that can be called."""
    original = getattr(owner, name)
    if isinstance(owner, nn.Module):
        object.__setattr__(owner, name, lambda *a, **k: around(original, *a, **k))
    else:
        setattr(owner, name, lambda *a, **k: around(original, *a, **k))


@contextmanager
def captured(model: MaskRCNN) -> Iterator[dict[str, Any]]:
    """Collect, while the block runs, the intermediate results of one forward pass."""
    seen: dict[str, Any] = {}

    def heads(_module: nn.Module, inputs: Any, outputs: Any) -> None:
        seen["image_sizes"] = inputs[2]
        seen["detections"] = [dict(found) for found in outputs[0]]  # a copy: pasting changes the dictionaries

    def filtered(original: Callable[..., Any], *arguments: Any) -> Any:
        seen["proposals"], seen["proposal_scores"] = original(*arguments)
        return list(seen["proposals"]), seen["proposal_scores"]

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, outputs: seen.__setitem__(name, outputs)

    modules: dict[str, nn.Module] = {
        "transform": model.transform,
        "body": model.backbone.body,
        "fpn": model.backbone,
        "rpn_head": model.rpn.head,
        "box_features": model.roi_heads.box_head,
        "box_outputs": model.roi_heads.box_predictor,
        "mask_logits": model.roi_heads.mask_predictor,
    }
    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    handles.append(model.roi_heads.register_forward_hook(heads))
    replace(model.rpn, "filter_proposals", filtered)
    try:
        yield seen
    finally:
        del model.rpn.__dict__["filter_proposals"]
        for handle in handles:
            handle.remove()


def probed(seen: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors that are probed, by name, in the order in which they are computed."""
    tensors = {"input": seen["transform"][0].tensors}
    tensors |= {f"c{i + 2}": feature for i, feature in enumerate(seen["body"].values())}
    tensors |= dict(zip(LEVELS, seen["fpn"].values()))
    objectness, deltas = seen["rpn_head"]
    tensors |= {f"objectness_{level}": values for level, values in zip(LEVELS, objectness)}
    tensors |= {f"deltas_{level}": values for level, values in zip(LEVELS, deltas)}
    tensors["box_features"] = seen["box_features"][:PROBED_ROWS]
    tensors["class_logits"], tensors["box_deltas"] = (values[:PROBED_ROWS] for values in seen["box_outputs"])
    return tensors


def probe_arrays(seen: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The probes (one row per tensor, 2 + 32 columns) and the shapes of the tensors, filled up with zeros."""
    tensors = probed(seen).values()
    shapes = np.zeros((len(tensors), 4), np.int64)
    for row, tensor in zip(shapes, tensors):
        row[: tensor.ndim] = tensor.shape
    return np.stack([seeded.probe(tensor.detach().numpy()) for tensor in tensors]), shapes


PROBED = ("input", "c2", "c3", "c4", "c5", *LEVELS, *(f"objectness_{level}" for level in LEVELS)) + (
    *(f"deltas_{level}" for level in LEVELS),
    "box_features",
    "class_logits",
    "box_deltas",
)
