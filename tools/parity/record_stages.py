"""Record what a torchvision checkpoint's own framework makes of one picture, stage by stage.

    python tools/parity/make.py --keep -- --variants          # makes the environment .parity-venv
    PYTHONPATH=src .parity-venv/bin/python tools/parity/record_stages.py FILE.pth PHOTO --out stages.safetensors
    maskrcnn import FILE.pth --recorded stages.safetensors

The last prints the largest difference of every stage. What is written:
``maskrcnn/checkpoints/foreign/stage_comparison.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.transforms.functional import pil_to_tensor

from maskrcnn.checkpoints.foreign.published import recognise
from maskrcnn.checkpoints.foreign.torch_files import read_foreign_file, state_of
from maskrcnn.checkpoints.foreign.torchvision import kind_of, table_of
from maskrcnn.models.heads.box import with_background


def reference(state: dict[str, Tensor], path: Path, norm_eps: float) -> nn.Module:
    """torchvision's own model with these weights."""
    kind = kind_of(state, path.name)
    model: nn.Module = getattr(detection, kind.name)(weights=None, weights_backbone=None, num_classes=kind.slots)
    model.load_state_dict(state, strict=False)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = norm_eps
    return model.eval()


@torch.inference_mode()
def stages(model: Any, photo: Tensor, count: int) -> dict[str, Tensor]:
    """The outputs under torchvision's own classes, for the first ``count`` proposals."""
    images, _ = model.transform([photo])
    features = model.backbone(images.tensors)
    outputs = {f"body.{k}": level for k, level in enumerate(model.backbone.body(images.tensors).values())}
    outputs |= {f"FPN.{k}": level for k, level in enumerate(features.values())}
    for kind, levels in zip(("logits", "deltas"), model.rpn.head(list(features.values()))):
        outputs |= {f"RPN.{kind}.{k}": level for k, level in enumerate(levels)}
    boxes = [model.rpn(images, features)[0][0][:count]]
    heads, sizes = model.roi_heads, images.image_sizes
    logits, deltas = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, boxes, sizes)))
    outputs |= {"input": images.tensors, "boxes": boxes[0], "box head.logits": logits, "box head.deltas": deltas}
    for name in ("mask", "keypoint"):
        if getattr(heads, f"{name}_head", None) is not None:
            pooled = getattr(heads, f"{name}_roi_pool")(features, boxes, sizes)
            outputs[f"{name} head"] = getattr(heads, f"{name}_predictor")(getattr(heads, f"{name}_head")(pooled))
    return outputs


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--norm-eps", type=float, help="default: as published, or 1e-5")
    parser.add_argument("--boxes", type=int, default=20, help="how many proposals the heads are recorded for")
    flags = parser.parse_args()
    state = state_of(read_foreign_file(flags.checkpoint))
    published = recognise(flags.checkpoint)
    eps = flags.norm_eps if flags.norm_eps is not None else published.norm_eps if published else 1e-5
    photo = pil_to_tensor(Image.open(flags.photo).convert("RGB")).float() / 255
    outputs = stages(reference(state, flags.checkpoint, eps), photo, flags.boxes)
    table = table_of(kind_of(state, flags.checkpoint.name))
    columns = {
        "box head.logits": "heads.box.class_logits.bias",
        "box head.deltas": "heads.box.box_deltas.bias",
        "mask head": "heads.mask.logits.bias",
    }
    for name, row in columns.items():
        if name in outputs and row in table.transforms:
            outputs[name] = table.transforms[row](outputs[name].transpose(0, 1)).transpose(0, 1)
    kind = kind_of(state)
    outputs["box head.logits"] = with_background(outputs["box head.logits"], 10 if kind.of_coco else 0)
    save_file({name: value.contiguous().clone() for name, value in outputs.items()}, flags.out)
    print(f"{len(outputs)} tensors in {flags.out}")


if __name__ == "__main__":
    main()
