"""Starting one model from the weights of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from maskrcnn.checkpoints.ours import load_matching, read_tensors
from maskrcnn.errors import CheckpointError
from maskrcnn.models.head import heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN


def transfer(source: MaskRCNN, source_names: Sequence[str], target: MaskRCNN, target_names: Sequence[str]) -> list[str]:
    """Copy from one model to another all that fits; classes of the same name keep what was learned
    of them.

    Args:
        source: the model to copy from.
        source_names: its classes, in order.
        target: the model to copy into.
        target_names: its classes, in order.

    Returns:
        The names of the tensors of ``target`` that keep their own values, in whole.
    """
    tensors = source.state_dict()
    if tuple(source_names) != tuple(target_names):
        own = target.state_dict()
        pairs = [(source_names.index(name), k) for k, name in enumerate(target_names) if name in source_names]
        for layer, (first, rows) in class_layers(source).items() & class_layers(target).items():
            for name in (f"{layer}.weight", f"{layer}.bias"):
                if tensors[name].shape[1:] == own[name].shape[1:]:
                    tensors[name] = _move_rows(tensors[name], own[name], pairs, first, rows)
    return load_matching(target, tensors)[1]


def class_layers(model: MaskRCNN) -> dict[str, tuple[int, int]]:
    """Output layers with rows of their own for each class: how many rows come before the classes', how many a class
    has."""
    return {
        f"heads.{name}.{layer}": rows
        for name, head in heads_of(model).items()
        for layer, rows in head.class_layers(model.config).items()
    }


def _move_rows(source: Tensor, own: Tensor, pairs: Sequence[tuple[int, int]], first: int, rows: int) -> Tensor:
    """``own`` with the ``first`` rows, and those of class a for class b of each pair, from ``source``."""
    moved = own.clone()
    moved[:first] = source[:first]
    for a, b in pairs:
        moved[first + b * rows : first + (b + 1) * rows] = source[first + a * rows : first + (a + 1) * rows]
    return moved


def load_body(model: MaskRCNN, path: str | Path) -> int:
    """Start the backbone's body from a safetensors file with names ``body.<parameter>``; how many tensors were copied.

    Raises:
        CheckpointError: the file cannot be read, does not fit the body, or holds NaN.
    """
    body = read_tensors(path, "body.")
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
