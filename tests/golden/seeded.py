"""Weights, pictures and targets of the golden fixtures, made from seeds with numpy alone.

Both sides use this module: ``tools/golden/record.py`` (torchvision, once) and the tests (our model, every time), so
that neither the 44 million weights nor the pictures have to be stored.  Only uniform draws of the frozen legacy
``RandomState`` and elementary arithmetic are used, so the values are the same on every platform.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
IMAGE_SIZES = ((240, 320), (300, 208))
NUM_CLASSES = 91

# (suffix or substring of the name, salt, gain): the first hit counts.  The gain multiplies the standard deviation of
# a convolution or linear weight, sqrt(2 / fan_in); the salt picks another draw (found by a search, see README.md).
WEIGHT_RULES: tuple[tuple[str, int, float], ...] = (
    ("fpn.inner_blocks", 0, 0.7),
    ("fpn.layer_blocks", 0, 0.7),
    ("rpn.head.conv", 0, 1.0),
    ("rpn.head.cls_logits", 0, 0.7),
    ("rpn.head.bbox_pred", 0, 0.1),
    ("box_head", 0, 1.0),
    ("box_predictor.cls_score", 0, 1.0),
    ("box_predictor.bbox_pred", 0, 0.5),
    ("mask_head", 0, 1.0),
    ("mask_predictor", 0, 1.0),
)


def uniform(name: str, shape: Sequence[int], low: float, high: float, salt: int = 0) -> np.ndarray:
    """Draw float64 values from [low, high) with a generator that depends on the name and the salt alone."""
    seed = (zlib.crc32(name.encode()) + 7919 * salt) % 2**32
    return low + (high - low) * np.random.RandomState(seed).random_sample(tuple(shape))
