"""What is known of a model beside its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from maskrcnn.config import ModelConfig


@dataclass(frozen=True)
class ModelInfo:
    """What a checkpoint says of its model beside the weights."""

    config: ModelConfig
    class_names: tuple[str, ...]  # label k is class_names[k - 1]
    category_ids: tuple[int, ...] = ()  # the ids of the data set it was trained on, in the same order
    metrics: dict[str, float] = field(default_factory=dict)  # as measured when it was written
    notes: dict[str, Any] = field(
        default_factory=dict
    )  # data, recipe, licence; ``tile``: see inference/tiling/tiles.py
    keypoint_names: tuple[str, ...] = ()  # of an object's points, in the order of the keypoint head
    skeleton: tuple[tuple[int, int], ...] = ()  # pairs of points, counted from 0, that a limb joins
