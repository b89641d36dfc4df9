"""One recording by itself, for :mod:`maskrcnn.face`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.signals.draw.strips import draw_signal
from maskrcnn.modalities.signals.predict import check_channels
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.signals.results.intervals import found_intervals, interval_entry
from maskrcnn.modalities.signals.signal import Signal
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Instances

ACCEPTED = (
    "the path of a recording, a Signal as read_signal gives it, or an array [T] or [C, T] with spacing=(seconds,)"
)


@dataclass(frozen=True)
class OneSignal:
    """A recording, and of it the channels ``[C, T]`` that the model looks at."""

    signal: Signal
    samples: Tensor
    name: str = ""

    @property
    def spacing(self) -> tuple[float, ...]:
        """Seconds (or bases, or samples) of a sample."""
        return (1 / self.signal.rate,)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.signal.notes

    def picture(self, found: Instances, info: ModelInfo) -> Image.Image:
        """The recording in strips, with the objects coloured."""
        return draw_signal(self.signal, found, info.class_names, title=self.signal.sequence or self.name)

    def entries(self, found: Instances, info: ModelInfo) -> list[dict[str, Any]]:
        """Start and end of each."""
        ids = info.category_ids or tuple(range(1, len(info.class_names) + 1))
        objects = found_intervals(found, info.class_names, self.signal.samples.shape[-1])
        objects.sort(key=lambda one: one.index)
        return [interval_entry(one, self.signal, ids) for one in objects]


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneSignal:
    """A recording that a predictor can look at.

    Args:
        predictor: says which kind of recording it is, and which channels it sees.
        source: the path of a file, a :class:`Signal`, or an array ``[T]`` or ``[C, T]``.
        spacing: of an array: seconds of a sample.

    Returns:
        The recording.

    Raises:
        DataError: a file that cannot be read, or that the model was not made for.
        TypeError: what is no recording.
    """
    path = source if isinstance(source, Path) else Path("the recording")
    signal = read_signal(path) if isinstance(source, Path) else _signal_of(source, spacing, predictor.info)
    check_channels(predictor, path, signal)
    each = predictor.info.config.preprocess.each_channel
    return OneSignal(signal, signal.lead_samples() if each else signal.samples, path.stem)


def _signal_of(source: Any, spacing: Sequence[float] | None, info: ModelInfo) -> Signal:
    if isinstance(source, Signal):
        return source
    if not (hasattr(source, "__array__") and spacing):
        raise TypeError(f"A model of recordings takes {ACCEPTED}, not {type(source).__name__}.")
    samples = torch.as_tensor(source, dtype=torch.float32)
    if samples.ndim not in (1, 2):
        raise TypeError(f"A recording is an array [T] or [C, T], not one of {samples.ndim} dimensions.")
    samples = torch.atleast_2d(samples)
    names = tuple(str(number) for number in range(1, len(samples) + 1))
    return Signal(samples, 1 / spacing[0], names, info.notes.get("kind", "series"))
