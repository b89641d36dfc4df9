"""What the tensors of detectron2's DensePose say of its head, and what they do not.

Its charts are SMPL's, ``smpl-24``. Its pools do not align and read two samples a bin along each axis. The forms that
were published are those with a decoder (28 bins) and, before them, those without (14 bins, 14 coarse parts); the number
of bins stands in no tensor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from maskrcnn.checkpoints.foreign.detectron2_names import CONFIDENCE
from maskrcnn.checkpoints.foreign.published import DENSEPOSE_LICENCE
from maskrcnn.config import ModelConfig, PoolConfig, SurfaceHeadConfig, SurfaceLossConfig
from maskrcnn.surfaces.known import SMPL_24

HEAD = "roi_heads.densepose_head"


def with_surface(config: ModelConfig, tensors: Mapping[str, Tensor]) -> ModelConfig:
    """A model's config with what DensePose adds.

    Args:
        config: as it is without.
        tensors: of a file of detectron2's, by its names.

    Returns:
        With the surface head, and what DensePose has otherwise; as it is where the file has no such head.
    """
    coarse = tensors.get("roi_heads.densepose_predictor.ann_index_lowres.weight")
    first = tensors.get(f"{HEAD}.body_conv_fcn1.weight")
    if coarse is None or first is None:
        return config
    climb = tensors.get("roi_heads.decoder.p2.0.weight")
    legacy = climb is None
    head = SurfaceHeadConfig(
        SMPL_24,
        PoolConfig(14 if legacy else 28, epsilon_inside=True),
        channels=len(first),
        convs=len([name for name in tensors if re.fullmatch(rf"{HEAD}\.body_conv_fcn\d+\.weight", name)]),
        norm="group" if f"{HEAD}.body_conv_fcn1.norm.weight" in tensors else None,
        atrous=f"{HEAD}.ASPP.project.0.weight" in tensors,
        decoder=0 if climb is None else len(climb),
        coarse=coarse.shape[1],
        decoding="whole",
    )
    loss = SurfaceLossConfig(2.0, 0.3, aligned=False) if legacy else SurfaceLossConfig(aligned=False)
    box_head = replace(config.box_head, pool=replace(config.box_head.pool, sampling_ratio=2, aligned=False))
    return replace(config, surface_head=head, box_head=box_head, loss=replace(config.loss, surface=loss))


def surface_notes(tensors: Mapping[str, Tensor]) -> list[str]:
    """What a user should know of a DensePose file: what it may be used for, and what of it is not used."""
    if not any(name.startswith(HEAD) for name in tensors):
        return []
    unused = sorted({name.split(".")[2] for name in tensors if re.fullmatch(CONFIDENCE, name)})
    notes = [DENSEPOSE_LICENCE]
    if unused:
        notes.append(f"Its layers of confidence are not used: {', '.join(unused)}.")
    if any("segm_confidence" in name for name in unused):
        notes.append("Its confidence in parts moves their borders by parts of a bin in detectron2, and not here.")
    return notes
