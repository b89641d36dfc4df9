"""Our model with the reference's weights, and the recordings that it must agree with."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import seeded
import torch
from torch import Tensor

from maskrcnn.checkpoints.foreign.name_mapping import rename
from maskrcnn.checkpoints.foreign.torchvision import Kind, table_of, torchvision_config
from maskrcnn.checkpoints.foreign.torchvision_names import BACKGROUND_ROWS
from maskrcnn.data.transforms.geometry import resize_shape
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.nd import interpolate


def recording(name: str) -> dict[str, np.ndarray]:
    """The arrays of ``name.npz``."""
    with np.load(seeded.HERE / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


@functools.cache
def meta() -> dict[str, Any]:
    """What the recorder wrote of its own work."""
    content: dict[str, Any] = json.loads((seeded.HERE / "meta.json").read_text())
    return content


# The table of a model whose 90 classes are all in use: the recordings have detections of every slot.
TABLE = table_of(Kind("resnet50", False, seeded.NUM_CLASSES, True, 0), drop_unused=False)


@functools.cache
def reference_model(norm_eps: float = 1e-5) -> MaskRCNN:
    """Our network with torchvision's settings and the seeded weights, loaded by the name table alone."""
    state = seeded.seeded_state_dict(seeded.names_and_shapes())
    config = torchvision_config(seeded.NUM_CLASSES - 1, norm_eps)
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, mask_aligned=False))
    model = build_model(config)
    model.load_state_dict(rename({name: torch.from_numpy(value) for name, value in state.items()}, TABLE).tensors)
    return model.eval()


def prepared_double(index: int, min_size: int, max_size: int) -> Tensor:
    """Picture ``index`` as the network wants it, in double precision: fifty ReLUs feel their input's rounding."""
    p = reference_model().config.preprocess
    picture = torch.from_numpy(seeded.picture(index)).double() * 255
    shape = resize_shape(picture.shape[1:], min_size, max_size, round_down=True)
    mean, std = (picture.new_tensor(values)[:, None, None] for values in (p.pixel_mean, p.pixel_std))
    return (interpolate(picture[None], shape)[0] - mean) / std


def as_theirs(name: str, gradient: Tensor) -> Tensor:
    """Our gradient of torchvision's parameter ``name`` with rows of zeros for the background, which no loss reads."""
    ours = TABLE.our_name(name)
    assert ours is not None
    rows = BACKGROUND_ROWS.get(ours.rpartition(".")[0], 0)
    return torch.cat([gradient.new_zeros((rows, *gradient.shape[1:])), gradient])
