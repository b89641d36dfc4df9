"""Other people's checkpoints: find out whose a file is, and hand it to the converter for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from maskrcnn.checkpoints.mapping import Report
from maskrcnn.checkpoints.ours import ModelInfo
from maskrcnn.checkpoints.published import recognise
from maskrcnn.checkpoints.torch_files import read_foreign_file
from maskrcnn.checkpoints.torchvision import convert_torchvision, is_torchvision
from maskrcnn.errors import CheckpointError
from maskrcnn.models.mask_rcnn import MaskRCNN

SUFFIXES = (".pth", ".pt", ".pkl")
WRAPPERS = ("model", "state_dict", "model_state_dict")  # what trainings put a state dict under


def is_foreign(path: str | Path) -> bool:
    """Whether a file's name says that it is not one of ours."""
    return Path(path).suffix.lower() in SUFFIXES


def load_foreign(
    path: str | Path, class_names: Sequence[str] | None = None, norm_eps: float | None = None
) -> tuple[MaskRCNN, ModelInfo, Report]:
    """The model of another framework's file in evaluation mode, what is known of it, and what fitted where.

    Args:
        class_names, norm_eps: see :func:`maskrcnn.checkpoints.torchvision.convert_torchvision`.

    Raises:
        CheckpointError: no such file, damaged, of a model that is not known, or more than tensors in it.
        UsageError: the number of names is not that of the classes.
    """
    content = read_foreign_file(path)
    tensors = state_of(content)
    # detectron2's place: it is told from torchvision by its names in the same way
    if is_torchvision(tensors):
        published = recognise(Path(path))
        if published is not None and norm_eps is None:
            norm_eps = published.norm_eps
        model, info, report = convert_torchvision(tensors, path, class_names, norm_eps)
        if published is not None:
            notes = {**info.notes, "file": published.file, "published": published.what}
            info = dataclasses.replace(info, notes=notes)
        return model, info, report
    first = ", ".join(map(str, list(tensors)[:3])) or "no tensors"
    raise CheckpointError(
        f"{path} holds no R-CNN of torchvision's as far as its names say (it begins with {first}); only those can be read."
    )


def state_of(content: Any) -> dict[str, Tensor]:
    """The tensors of what a file holds by their names: the file's own, or under one of :data:`WRAPPERS`; without the
    ``module.`` that training on several devices puts first."""
    if not isinstance(content, Mapping):
        return {}
    for name in WRAPPERS:
        if isinstance(content.get(name), Mapping):
            content = content[name]
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    return {name.removeprefix("module."): value for name, value in tensors.items()}
