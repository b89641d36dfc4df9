"""Our checkpoint: one safetensors file that holds the weights and all that is needed to use them.

Tensors are named ``model.<parameter>``; what only training needs has other prefixes and is read by training alone.
The header's ``maskrcnn`` entry is json: format version, config (preprocessing in it), class names, metrics, notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from maskrcnn.checkpoints.config_check import check_agreement, check_numbers, empty_tensors
from maskrcnn.config import Some, from_dict, to_dict
from maskrcnn.errors import CheckpointError
from maskrcnn.files import atomic_write, is_file, is_folder
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.head import HeadBuilder
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.schema import Misfit, one_line, restore, said

FORMAT_VERSION = 1
MODEL = "model."
# What the code reads of a model's notes, and what each must be; other notes are for people.
NOTES: dict[str, Any] = {
    "kind": str,
    "labels": str,
    "tile": Some | None,
    "images": Some,
    "recipe": dict[str, Any],
    "pretrained": bool,
}


def save_checkpoint(
    path: str | Path, model: nn.Module, info: ModelInfo, extra: Mapping[str, Tensor] | None = None, half: bool = False
) -> None:
    """Write a model to a file, whole or not at all.

    Args:
        path: of the file.
        model: whose weights are written.
        info: its configuration, classes and measures.
        extra: further tensors under names that do not begin with ``model.``: what training needs to
            go on.
        half: weights in half precision: half the size, for shipping.

    Raises:
        CheckpointError: the disk is full; an old file is as it was.
    """
    tensors = {MODEL + name: value.detach().cpu() for name, value in model.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    tensors |= {name: value.detach().cpu() for name, value in (extra or {}).items()}
    header = header_of(info)
    contiguous = {name: value.contiguous().clone() for name, value in tensors.items()}
    try:
        with atomic_write(path) as temporary:
            save_file(contiguous, temporary, metadata={"maskrcnn": json.dumps(header)})
    except SafetensorError as error:  # which is what it makes of a disk that is full
        raise CheckpointError(f"{path} could not be written ({one_line(error)}); free some space and go on.") from None


def header_of(info: ModelInfo) -> dict[str, Any]:
    """What is known of a model as plain values, as :func:`info_of` reads them."""
    return {
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


def read_info(path: str | Path) -> ModelInfo:
    """What the checkpoint says of itself, without its weights.

    Raises:
        CheckpointError: no such file, or not one of ours.
    """
    with _open(path) as file:
        metadata = file.metadata()
    if not metadata or "maskrcnn" not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a model of maskrcnn: its header does not say what it is."
        )
    return info_of(path, metadata["maskrcnn"])


def read_tensors(path: str | Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, without it.

    Raises:
        CheckpointError: no such file, a damaged one, or numbers in it that are NaN or infinite.
    """
    found: dict[str, Tensor] = {}
    with _open(path) as file:
        for name in (name for name in file.keys() if name.startswith(prefix)):  # noqa: SIM118
            try:
                tensor = file.get_tensor(name)
            except (SafetensorError, RuntimeError, TypeError) as error:
                raise CheckpointError(
                    f"{path} is damaged at {one_line(name, 100)} ({one_line(error)}); fetch or train it again."
                ) from None
            check_numbers(path, name, tensor)
            found[name.removeprefix(prefix)] = tensor
    return found


def load_checkpoint(path: str | Path, heads: Mapping[str, HeadBuilder] | None = None) -> tuple[MaskRCNN, ModelInfo]:
    """Load a model in float32 and in evaluation mode.

    Nothing is built before names and shapes in the file are those of the model that it describes.

    Args:
        path: of the file.
        heads: builders of the heads in it that the package does not have, by name, as for
            :func:`maskrcnn.models.build.build_model`.

    Returns:
        The model, and what is known of it.

    Raises:
        CheckpointError: no such file, not one of ours, truncated, weights that do not fit its own config or that are
            NaN or infinite, or a head that nobody builds.
    """
    info = read_info(path)
    shapes, own = _shapes(path), empty_tensors(info.config, path, heads)
    unknown = sorted(_heads(shapes) - _heads(own))
    if unknown:
        raise CheckpointError(
            f"{path} has the head {said(unknown[0])}, which this package does not know: load it in Python with "
            f"heads={{{said(unknown[0])}: ...}}, the function that builds it."
        )
    _check_shapes(own, shapes, path)
    model = build_model(info.config, heads)
    load_exactly(model, read_tensors(path, MODEL), path)
    return model.eval(), info


def _heads(names: Iterable[str]) -> set[str]:
    """The heads that tensors of these names belong to."""
    return {name.split(".")[1] for name in names if name.startswith("heads.")}


def _shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Of the model's tensors, from the file's header alone."""
    with _open(path) as file:
        names = [name for name in file.keys() if name.startswith(MODEL)]  # noqa: SIM118
        return {name.removeprefix(MODEL): tuple(file.get_slice(name).get_shape()) for name in names}


def _check_shapes(own: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], path: str | Path) -> None:
    """Raises CheckpointError unless every name and shape agrees."""
    wrong = [name for name, value in own.items() if shapes.get(name) != tuple(value.shape)]
    wrong += [name for name in shapes if name not in own]
    if wrong:
        raise CheckpointError(
            f"{path} does not hold the model it describes: {len(wrong)} tensors are missing, left over "
            f"or of another shape, the first {', '.join(one_line(name, 100) for name in wrong[:3])}."
        )


def load_exactly(model: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy tensors into a model of which every name and shape must agree.

    Args:
        model: that is filled.
        tensors: by name; whole numbers stand for no weights.
        path: of the file, for sentences.

    Raises:
        CheckpointError: a tensor is missing, left over, of another shape or another kind of number.
    """
    own = model.state_dict()
    _check_shapes(own, {name: tuple(value.shape) for name, value in tensors.items()}, path)
    whole = [name for name, value in own.items() if value.is_floating_point() != tensors[name].is_floating_point()]
    if whole:
        raise CheckpointError(
            f"{path} holds numbers of another kind than the model's ({tensors[whole[0]].dtype} for {whole[0]}); fetch "
            "or train it again."
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(tensors[name])


def load_matching(model: nn.Module, tensors: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Copy what agrees in name and shape; names copied, and names of ``model`` that keep their values."""
    copied, kept = [], []
    with torch.no_grad():
        for name, value in model.state_dict().items():
            fits = name in tensors and tensors[name].shape == value.shape
            if fits and tensors[name].is_floating_point() == value.is_floating_point():
                value.copy_(tensors[name])
                copied.append(name)
            else:
                kept.append(name)
    return copied, kept


def _open(path: str | Path) -> Any:
    if is_folder(Path(path)):
        raise CheckpointError(f"{path} is a folder; name a model file (.safetensors) in it.")
    if not is_file(path):
        raise CheckpointError(f"{path} does not exist; name a model file (.safetensors) or a model that is shipped.")
    try:
        return safe_open(str(path), "pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no safetensors file, or a damaged one ({one_line(error)}); fetch or train it again."
        ) from None


def info_of(path: str | Path, text: str) -> ModelInfo:
    """What a header says of its model.

    Args:
        path: of the file that it stands in, for sentences.
        text: json, see :func:`header_of`.

    Returns:
        The same as a record.

    Raises:
        CheckpointError: it cannot be read, or contradicts itself.
    """
    try:
        header = json.loads(text)
        if restore(header["format_version"], int, "format_version") > FORMAT_VERSION:
            raise CheckpointError("it was written by a newer version of maskrcnn, so update the package to read it.")
        info = _info(header)
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from None
    except Misfit as error:
        raise CheckpointError(f"{path} has a header that cannot be read: {error}; fetch or train it again.") from None
    except RecursionError:
        raise CheckpointError(
            f"{path} has a header that cannot be read: it holds lists within lists within lists; fetch it again."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} has a header that cannot be read ({said(str(error))}); fetch or train it again."
        ) from None
    try:
        _check_names(info)
        check_agreement(info.config)
    except CheckpointError as error:
        raise CheckpointError(f"{path} contradicts itself: {error}; fetch or train it again.") from None
    return info


def _info(header: Any) -> ModelInfo:
    """What a header of any version holds, field by field. Raises Misfit, KeyError, CheckpointError."""
    notes = restore(header["notes"], dict[str, Any], "notes")
    for name, kind in NOTES.items():
        if name in notes:
            restore(notes[name], kind, f"the note {name}")
    limb = tuple[Some, Some]
    return ModelInfo(
        from_dict(header["config"]),
        restore(header["class_names"], tuple[str, ...], "class_names"),
        restore(header["category_ids"], tuple[int, ...], "category_ids"),
        restore(header["metrics"], dict[str, float], "metrics"),
        notes,
        restore(header.get("keypoint_names", ()), tuple[str, ...], "keypoint_names"),
        restore(header.get("skeleton", ()), tuple[limb, ...], "skeleton"),  # earlier versions do not have these two
    )


def _check_names(info: ModelInfo) -> None:
    """Raises CheckpointError where there are not as many names and ids as there are classes and points."""
    count, head = info.config.num_classes, info.config.keypoint_head
    points = 0 if head is None else head.num_keypoints
    if len(info.class_names) != count:
        raise CheckpointError(f"{len(info.class_names)} class names for {count} classes")
    if len(info.category_ids) not in (0, count):
        raise CheckpointError(f"{len(info.category_ids)} category ids for {count} classes")
    if len(info.keypoint_names) not in (0, points):
        raise CheckpointError(f"{len(info.keypoint_names)} names for {points} keypoints")
    if any(max(limb) >= points for limb in info.skeleton):
        raise CheckpointError(f"its skeleton joins points that are not among its {points} keypoints")


def describe(info: ModelInfo) -> dict[str, Any]:
    """The header as plain values, for printing."""
    return asdict(info)
