"""Fingerprints and situations that a test makes by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.planning.fingerprint import Fingerprint
from maskrcnn.planning.situation import Situation


def photos(size: float = 0.2, objects: int = 2, images: int = 500, side: float = 640.0, **changes: Any) -> Fingerprint:
    """``images`` photos of ``side`` pixels, each with ``objects`` square objects of ``size`` of that side."""
    values: dict[str, Any] = {
        "images": images,
        "class_names": ("cat", "dog"),
        "class_counts": (images * objects // 2,) * 2,
        "longer_sides": np.full(images, side),
        "objects": np.full(images, objects),
        "most_objects": objects,
        "boxes": np.full((images * objects, 2), size),
        "groups": images,
        "contrast": np.full(10, 200.0),
        "brightness": np.full(10, 120.0),
    }
    return Fingerprint(**(values | changes))


def situation(data: Fingerprint | None = None, **changes: Any) -> Situation:
    """Training on ``data`` from a small model of persons, at 416 pixels."""
    data = data or photos()
    values: dict[str, Any] = {
        "start": mobilenet_v2_fpn_config(1),
        "start_names": ("person",),
        "chosen": {"image_size": 416, "crop_size": 320, "batch": 8, "epochs": 20, "workers": 1},
        "train_images": data.images,
    }
    chosen = values["chosen"] | changes.pop("chosen", {})
    return Situation(data, **(values | changes | {"chosen": chosen}))
