"""What a planning rule is given (data, machine, settings so far) and what it gives: a value and its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from maskrcnn.config import ModelConfig
from maskrcnn.planning.fingerprint import Fingerprint
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.step_cost import Cost


class Choice(NamedTuple):
    """A setting and the sentence that says why."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Situation:
    """The data, the machine, and what was chosen before.

    Attributes:
        data: of all labelled images, before some are held out.
        machine: that trains.
        start: the configuration of the model that training starts from.
        start_names: that model's classes; empty where training starts from random weights.
        chosen: the settings that are fixed by now, those that the user asked for among them.
        train_images, val_images: after the split.
        cost: of a step with these settings; None where it was not measured.
        seconds: to plan for; None: no limit but what is enough.
        told: whether the user gave that time.
    """

    data: Fingerprint
    machine: Machine = Machine()
    start: ModelConfig = ModelConfig()
    start_names: tuple[str, ...] = ()
    chosen: dict[str, Any] = field(default_factory=dict)
    train_images: int = 0
    val_images: int = 0
    cost: Cost | None = None
    seconds: float | None = None
    told: bool = False

    def windows(self) -> float:
        """How often training looks at a file in an epoch: once at a picture, else once for each window of it."""
        if self.data.files.is_picture:
            return 1.0
        return max(1.0, self.data.volume / self.window_volume())

    def window_volume(self) -> float:
        """What a model with a grid sees at once, in the unit of its spacing, multiplied over the axes."""
        sides = self.chosen.get("window") or self.chosen["crop_size"]
        return float(np.prod(np.array(sides) * np.array(self.chosen["spacing"])))

    def on_gpu(self) -> bool:
        return self.machine.device != "cpu"

    def microscopy(self) -> bool:
        """Whether the data look like those of a microscope: grey, and many small objects in an image."""
        return self.data.grey >= 0.5 and self.many_small()

    def many_small(self) -> bool:
        """Whether the median image holds ten objects and more, of less than a tenth of its side."""
        return self.data.crowded() >= 10 and self.data.sizes(50) < 0.1

    def large_objects(self) -> bool:
        """Whether the median object takes more than a quarter of its image's longer side."""
        return self.data.sizes(50) > 0.25

    def class_examples(self) -> float:
        """Objects of the median class, of those that have any."""
        counts = [count for count in self.data.class_counts if count]
        return float(np.median(counts)) if counts else 0.0


Rule = Callable[[Situation], Choice]
