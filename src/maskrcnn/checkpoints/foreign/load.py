"""Other people's checkpoints: find out whose a file is, and hand it to the converter for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from maskrcnn.checkpoints.config_check import UNBUILDABLE
from maskrcnn.checkpoints.foreign.detectron2 import convert_detectron2, is_detectron2
from maskrcnn.checkpoints.foreign.name_mapping import ImportSummary
from maskrcnn.checkpoints.foreign.published import recognise
from maskrcnn.checkpoints.foreign.torch_files import read_foreign_file, state_of
from maskrcnn.checkpoints.foreign.torchvision import convert_torchvision, is_torchvision
from maskrcnn.errors import CheckpointError
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.schema import one_line

SUFFIXES = (".pth", ".pt", ".pkl")


def is_foreign(path: str | Path) -> bool:
    """Whether a file's name says that it is not one of ours."""
    return Path(path).suffix.lower() in SUFFIXES


def load_foreign(
    path: str | Path, class_names: Sequence[str] | None = None, norm_eps: float | None = None
) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    """Load another framework's file.

    Args:
        path: of the file.
        class_names: of the model's classes in order; None: those of COCO where their number fits.
        norm_eps: of torchvision's files, see
            :func:`maskrcnn.checkpoints.foreign.torchvision.convert_torchvision`.

    Returns:
        The model in evaluation mode, what is known of it, and what fitted where.

    Raises:
        CheckpointError: no such file, damaged, of a model that is not known, or more than tensors in it.
        UsageError: the number of names is not that of the classes.
    """
    tensors = state_of(read_foreign_file(path))
    try:
        return _convert(tensors, path, class_names, norm_eps)
    except UNBUILDABLE as error:
        raise CheckpointError(
            f"{path} holds tensors of shapes that no model has ({one_line(error)}); it is damaged, or another model."
        ) from None


def _convert(
    tensors: dict[str, Tensor], path: str | Path, class_names: Sequence[str] | None, norm_eps: float | None
) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    if is_detectron2(tensors):
        return convert_detectron2(tensors, path, class_names)
    if is_torchvision(tensors):
        published = recognise(Path(path))
        if published is not None and norm_eps is None:
            norm_eps = published.norm_eps
        model, info, report = convert_torchvision(tensors, path, class_names, norm_eps)
        if published is not None:
            notes = {**info.notes, "file": published.file, "published": published.what}
            info = dataclasses.replace(info, notes=notes)
        return model, info, report
    first = ", ".join(one_line(name, 100) for name in list(tensors)[:3]) or "no tensors"
    raise CheckpointError(
        f"{path} holds no R-CNN of torchvision's or detectron2's as far as its names say (it begins with {first}); "
        f"only those can be read."
    )
