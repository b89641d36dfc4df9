"""Tiny models as exported files, made once a session whatever asks for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.config import (
    BackboneConfig,
    ClassFieldConfig,
    CloseUpMaskConfig,
    KeypointHeadConfig,
    ModelConfig,
    PoolConfig,
    SemanticHeadConfig,
)
from maskrcnn.jobs.edge.export_model import export_model
from maskrcnn.jobs.options.export_model import ExportOptions
from maskrcnn.models.mask_rcnn import MaskRCNN
from tiny import tiny_config, tiny_info, tiny_model
from tiny_signals import tiny_signal_info, tiny_signal_model

SMALL = BackboneConfig("resnet18", width=8, fpn_channels=8)
FIELD = ClassFieldConfig(
    expanded=8,
    extras=((4, 8), (4, 8), (4, 8)),
    cells=tuple(((size, size), (1.5 * size, size / 1.5)) for size in (16.0, 32.0, 48.0, 64.0, 80.0)),
    first=(8.0, 16.0, 16.0, 16.0, 16.0),
    rescaled=0.6,
    handover=60.0,
    proposals=10,
    nearest=4,
)


def all_parts() -> ModelConfig:
    """An image model with every head, a class field that looks twice, and close-ups."""
    config = tiny_config()
    points = KeypointHeadConfig(PoolConfig(4, aligned=True, canonical_size=64.0), channels=8, convs=1, num_keypoints=3)
    closeup = CloseUpMaskConfig(
        dataclasses.replace(SMALL, same_padding=False),
        size=64,
        widths=(8, 6, 6, 4),
        smallest=12.0,
        rescoring=0.5,
        sure=0.9,
    )
    return dataclasses.replace(
        config,
        preprocess=dataclasses.replace(config.preprocess, antialias=True),
        backbone=SMALL,
        box_head=dataclasses.replace(config.box_head, field=FIELD),
        keypoint_head=points,
        closeup_mask_head=closeup,
    )


def lively(model: MaskRCNN) -> MaskRCNN:
    """Statistics of frozen norms as a training leaves them: not 0 and 1."""
    generator = torch.Generator().manual_seed(3)
    for name, own in model.named_buffers():
        if name.endswith(("running_mean", "norm.bias")):
            own.copy_(0.1 * torch.randn(own.shape, generator=generator))
        elif name.endswith(("running_var", "norm.weight")):
            own.copy_(0.8 + 0.4 * torch.rand(own.shape, generator=generator))
    return model


def _images() -> MaskRCNN:
    config = all_parts()
    return lively(tiny_model(**{f.name: getattr(config, f.name) for f in dataclasses.fields(config)}))


def _classes() -> MaskRCNN:
    """Boxes and masks of each class, and the class of every pixel; as torchvision resizes and pools."""
    head = SemanticHeadConfig(widths=(8,), norm="group", finer=4)
    pool = PoolConfig(4, canonical_size=64.0)
    config = tiny_config(backbone=SMALL, semantic_head=head)
    parts = {name: dataclasses.replace(getattr(config, name), pool=pool) for name in ("box_head", "mask_head")}
    return lively(tiny_model(backbone=SMALL, semantic_head=head, **parts))


MODELS = {
    "images": (_images, tiny_info),
    "classes": (_classes, tiny_info),
    "signals": (tiny_signal_model, tiny_signal_info),
    "volumes": (lambda: tiny_signal_model(ndim=3), lambda model: tiny_signal_info(model, "volume")),
}


def exported(name: str, base: Path) -> tuple[Path, Path]:
    """A model file and its exported file, in a folder that the processes of a test run share.

    Args:
        name: one of ``MODELS``.
        base: pytest's folder for temporary files.
    """
    folder = base.parent / "exported"
    model_file, out = folder / f"{name}.safetensors", folder / f"{name}.zip"
    if not out.exists():
        folder.mkdir(exist_ok=True)
        make, tell = MODELS[name]
        model = make()
        save_checkpoint(model_file, model, tell(model))
        export_model(ExportOptions(str(model_file), out, max_drop=1.0))
    return model_file, out
