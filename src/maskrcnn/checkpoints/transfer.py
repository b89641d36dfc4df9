"""Starting one model from the weights of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from maskrcnn.checkpoints.ours import load_matching
from maskrcnn.errors import CheckpointError
from maskrcnn.models.mask_rcnn import MaskRCNN


def transfer(source: MaskRCNN, source_names: Sequence[str], target: MaskRCNN, target_names: Sequence[str]) -> list[str]:
    """Copy into ``target`` all that fits; classes of the same name keep what was learned of them.

    Returns:
        The names of the tensors of ``target`` that keep their own values, in whole.
    """
    tensors = source.state_dict()
    pairs = [(source_names.index(name), k) for k, name in enumerate(target_names) if name in source_names]
    own = target.state_dict()
    by_class = {"heads.box.class_logits": 1, "heads.box.box_deltas": 0, "heads.mask.logits": 0}
    for layer, background in by_class.items():
        for part in ("weight", "bias"):
            name = f"{layer}.{part}"
            if name not in tensors or name not in own or source_names == target_names:
                continue
            rows = _rows(tensors[name].shape[0], len(source_names), background)
            if rows is None or rows != _rows(own[name].shape[0], len(target_names), background):
                continue  # class-agnostic on one side or both: whole, or not at all
            moved = own[name].clone()
            for i in range(background):
                moved[i] = tensors[name][i]
            for a, b in pairs:
                at, to = background + a * rows, background + b * rows
                moved[to : to + rows] = tensors[name][at : at + rows]
            tensors[name] = moved
    return load_matching(target, tensors)[1]


def _rows(total: int, classes: int, background: int) -> int | None:
    """Rows of an output layer that belong to one class."""
    rows, rest = divmod(total - background, classes)
    return rows if rest == 0 and rows > 0 else None


def load_body(model: MaskRCNN, path: str | Path) -> int:
    """Start the backbone's body from a safetensors file with names ``body.<parameter>``; how many tensors were copied.

    Raises:
        CheckpointError: the file cannot be read, or does not fit the body.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read as a safetensors file ({error}).") from None
    body = {name.removeprefix("body."): v for name, v in tensors.items() if name.startswith("body.")}
    copied, kept = load_matching(model.backbone.body, body)
    if kept:
        raise CheckpointError(
            f"{path} does not fit the body: {len(kept)} of its tensors are missing or of another "
            f"shape, the first {', '.join(kept[:3])}."
        )
    return len(copied)


def same_weights(a: MaskRCNN, b: MaskRCNN) -> bool:
    """Whether two models hold equal tensors under equal names."""
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
