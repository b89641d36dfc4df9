"""A file by itself, as a program looks at it: its samples, a picture of what was found, and what lists say of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from PIL import Image
from torch import Tensor

from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Instances


class OneFile(Protocol):
    """What each wing makes of one of its files.

    Attributes:
        samples: ``[C, *S]``, as the predictor takes them.
        spacing: of a sample, x first, in the unit of the model's grid; None for files without one.
        notes: a sentence for each thing that was mended or guessed.
    """

    @property
    def samples(self) -> Tensor: ...

    @property
    def spacing(self) -> tuple[float, ...] | None: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def picture(self, found: Instances, info: ModelInfo) -> Image.Image:
        """What was found, drawn over the file."""

    def entries(self, found: Instances, info: ModelInfo) -> list[dict[str, Any]]:
        """Of each object what ``predictions.json`` says of it, without the file's name."""
