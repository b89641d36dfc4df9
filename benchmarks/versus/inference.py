"""Mask R-CNN, ResNet-50-FPN, one image of 800 x 1067 px, from pixels to masks in the image: the same weights."""

from __future__ import annotations

import numpy as np
import seeded
import torch
from reference import reference_model

from cases import Arrays, Case, Work
from maskrcnn.inference.predictor import Predictor
from maskrcnn.model_info import ModelInfo


def ours() -> Work:
    model = reference_model()
    names = tuple(str(k) for k in range(1, seeded.NUM_CLASSES))
    predictor = Predictor(model, ModelInfo(model.config, names)).with_options(tile="off")
    image = torch.from_numpy(seeded.picture(0)) * 255

    def run() -> Arrays:
        found = predictor(image)
        return {"boxes": found.boxes.numpy(), "labels": found.labels.numpy(), "scores": found.scores.numpy()}

    return run


def theirs() -> Work:
    from torchvision_model import build

    model, image = build(800, 1333), torch.from_numpy(seeded.picture(0)).float()

    def run() -> Arrays:
        with torch.inference_mode():
            (found,) = model([image])
        return {name: found[name].numpy() for name in ("boxes", "labels", "scores")}

    return run


def agree(one: Arrays, other: Arrays) -> str:
    """Each of theirs with the nearest of ours of its class; single precision may swap two nearly equal scores."""
    off = np.abs(other["boxes"][:, None] - one["boxes"][None]).max(2)
    off[other["labels"][:, None] != one["labels"][None]] = np.inf
    nearest, score = off.min(1), np.abs(other["scores"] - one["scores"][off.argmin(1)])
    same = (nearest < 0.01) & (score < 1e-3)
    return f"{same.sum()} of {len(same)} detections the same (0.01 px, 1e-3), ours {len(one['scores'])}"


CASES = {"inference": Case("R50-FPN inference at 800 px", ours, theirs, agree, 5, 1.3)}
