"""One Mask R-CNN, in plain PyTorch, for images, signals and volumes.

    from maskrcnn import Predictor, draw, read_image

The names below are imported when they are first used, so that ``maskrcnn --help`` does not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
    from maskrcnn.data.dataset import open_dataset
    from maskrcnn.data.images import read_image
    from maskrcnn.errors import MaskRCNNError
    from maskrcnn.evaluation.evaluate import evaluate
    from maskrcnn.explain.evidence import explain
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.losses.objective import Objective
    from maskrcnn.models.build import build_model, mask_rcnn_mobilenet_v2_fpn, mask_rcnn_resnet50_fpn
    from maskrcnn.models.mask_rcnn import MaskRCNN
    from maskrcnn.training.fit import fit
    from maskrcnn.visualize.draw import draw

__version__ = "0.7.0"

_WHERE = {
    "MaskRCNN": "models.mask_rcnn",
    "MaskRCNNError": "errors",
    "Objective": "losses.objective",
    "Predictor": "inference.predictor",
    "build_model": "models.build",
    "draw": "visualize.draw",
    "evaluate": "evaluation.evaluate",
    "explain": "explain.evidence",
    "fit": "training.fit",
    "load_checkpoint": "checkpoints.ours",
    "mask_rcnn_mobilenet_v2_fpn": "models.build",
    "mask_rcnn_resnet50_fpn": "models.build",
    "open_dataset": "data.dataset",
    "read_image": "data.images",
    "save_checkpoint": "checkpoints.ours",
}

__all__ = [
    "MaskRCNN",
    "MaskRCNNError",
    "Objective",
    "Predictor",
    "build_model",
    "draw",
    "evaluate",
    "explain",
    "fit",
    "load_checkpoint",
    "mask_rcnn_mobilenet_v2_fpn",
    "mask_rcnn_resnet50_fpn",
    "open_dataset",
    "read_image",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'maskrcnn' has no attribute {name!r}")
    return getattr(importlib.import_module(f"maskrcnn.{_WHERE[name]}"), name)
