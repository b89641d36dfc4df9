"""Our checkpoint: one safetensors file that holds the weights and all that is needed to use them.

Tensors are named ``model.<parameter>``; what only training needs has other prefixes and is read by training alone.
The header's ``maskrcnn`` entry is json: format version, config (preprocessing in it), class names, metrics, notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from maskrcnn.config import from_dict, to_dict
from maskrcnn.errors import CheckpointError
from maskrcnn.files import atomic_write
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.head import HeadBuilder
from maskrcnn.models.mask_rcnn import MaskRCNN

FORMAT_VERSION = 1
MODEL = "model."


def save_checkpoint(
    path: str | Path, model: nn.Module, info: ModelInfo, extra: Mapping[str, Tensor] | None = None, half: bool = False
) -> None:
    """Write ``model`` to ``path``, whole or not at all.

    Args:
        extra: further tensors under names that do not begin with ``model.``: what training needs to go on.
        half: weights in half precision: half the size, for shipping.
    """
    tensors = {MODEL + name: value.detach().cpu() for name, value in model.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    tensors |= {name: value.detach().cpu() for name, value in (extra or {}).items()}
    header = {
        "format_version": FORMAT_VERSION,
        "ndim": info.config.ndim,
        "config": to_dict(info.config),
        "class_names": info.class_names,
        "category_ids": info.category_ids,
        "metrics": info.metrics,
        "notes": info.notes,
        "keypoint_names": info.keypoint_names,
        "skeleton": info.skeleton,
    }
    with atomic_write(path) as temporary:
        contiguous = {name: value.contiguous().clone() for name, value in tensors.items()}
        save_file(contiguous, temporary, metadata={"maskrcnn": json.dumps(header)})


def read_info(path: str | Path) -> ModelInfo:
    """What the checkpoint says of itself, without its weights.

    Raises:
        CheckpointError: no such file, or not one of ours.
    """
    with _open(path) as file:
        return _parse(path, file.metadata())


def read_tensors(path: str | Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, without it."""
    with _open(path) as file:
        return {name.removeprefix(prefix): file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118


def load_checkpoint(path: str | Path, heads: Mapping[str, HeadBuilder] | None = None) -> tuple[MaskRCNN, ModelInfo]:
    """The model in float32 and in evaluation mode, and what is known of it.

    Args:
        heads: builders of the heads in it that the package does not have, by name, as for
            :func:`maskrcnn.models.build.build_model`.

    Raises:
        CheckpointError: no such file, not one of ours, truncated, weights that do not fit its own config, or a head
            that nobody builds.
    """
    info = read_info(path)
    try:
        model = build_model(info.config, heads)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} describes a model that cannot be built ({error!r}); update the package or train it again."
        ) from None
    tensors = read_tensors(path, MODEL)
    unknown = sorted({name.split(".")[1] for name in tensors if name.startswith("heads.")} - set(model.heads))
    if unknown:
        raise CheckpointError(
            f"{path} has the head {unknown[0]}, which this package does not know: load it in Python with "
            f"heads={{{unknown[0]!r}: ...}}, the function that builds it."
        )
    load_exactly(model, tensors, path)
    return model.eval(), info


def load_exactly(model: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy ``tensors`` into ``model``; every name and shape must agree."""
    own = model.state_dict()
    wrong = [n for n in own if n not in tensors or tensors[n].shape != own[n].shape] + [
        n for n in tensors if n not in own
    ]
    if wrong:
        raise CheckpointError(
            f"{path} does not hold the model it describes: {len(wrong)} tensors are missing, left over "
            f"or of another shape, the first {', '.join(wrong[:3])}."
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(tensors[name])


def load_matching(model: nn.Module, tensors: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Copy what agrees in name and shape; names copied, and names of ``model`` that keep their values."""
    copied, kept = [], []
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name in tensors and tensors[name].shape == value.shape:
                value.copy_(tensors[name])
                copied.append(name)
            else:
                kept.append(name)
    return copied, kept


def _open(path: str | Path) -> Any:
    if Path(path).is_dir():
        raise CheckpointError(f"{path} is a folder; name a model file (.safetensors) in it.")
    if not Path(path).is_file():
        raise CheckpointError(f"{path} does not exist; name a model file (.safetensors) or a model that is shipped.")
    try:
        return safe_open(str(path), "pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no safetensors file, or a damaged one ({error}); fetch or train it again."
        ) from None


def _parse(path: str | Path, metadata: Mapping[str, str] | None) -> ModelInfo:
    if not metadata or "maskrcnn" not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a model of maskrcnn: its header does not say what it is."
        )
    try:
        header = json.loads(metadata["maskrcnn"])
        if header["format_version"] > FORMAT_VERSION:
            raise CheckpointError("it was written by a newer version of maskrcnn, so update the package to read it.")
        info = ModelInfo(
            from_dict(dict(header["config"])),
            tuple(header["class_names"]),
            tuple(header["category_ids"]),
            header["metrics"],
            header["notes"],
            tuple(header.get("keypoint_names", ())),  # files of earlier versions do not have these two
            tuple((int(a), int(b)) for a, b in header.get("skeleton", ())),
        )
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} has a header that cannot be read ({error!r}); fetch or train it again."
        ) from None
    if len(info.class_names) != info.config.num_classes:
        raise CheckpointError(
            f"{path} contradicts itself: {len(info.class_names)} class names for {info.config.num_classes} classes."
        )
    return info


def describe(info: ModelInfo) -> dict[str, Any]:
    """The header as plain values, for printing."""
    return asdict(info)
