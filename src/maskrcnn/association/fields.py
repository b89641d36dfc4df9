"""Samples of one file of several that lie alike, and what each wing can do with such files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Field:
    """The samples of one file.

    Attributes:
        samples: float32 ``[C, *S]``, all finite.
        spacing: from sample to sample, x first, in ``unit``; None: the file says nothing.
        affine: float64 ``[D + 1, D + 1]`` from indices (x first) to the file's own coordinates; None: not known.
        unit: of ``spacing``.
        names: of the C channels.
        source: the wing's own record of the file, from which maps in its space are written and drawn.
        notes: a sentence for each fault that was found and mended.
    """

    samples: np.ndarray
    spacing: tuple[float, ...] | None
    affine: np.ndarray | None = None
    unit: str = ""
    names: tuple[str, ...] = ("",)
    source: Any = None
    notes: tuple[str, ...] = field(default=())

    @property
    def size_of_sample(self) -> float:
        """The product of the spacing: mm³ of a voxel; 1 where nothing is known."""
        return float(np.prod(self.spacing)) if self.spacing is not None else 1.0


@dataclass(frozen=True)
class Words:
    """What a wing calls things.

    Attributes:
        sample: one of what a field holds, such as voxel.
        size: of several together, such as volume_mm3, and its unit where the spacing is known.
        size_unit: such as mm³.
        axes: of a place, x first, such as x_mm.
    """

    sample: str
    size: str
    size_unit: str
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """What a picture of a result shows.

    Attributes:
        statistic: float32 ``[C, *S]``, t or F of every sample.
        numbers: int32 ``[C, *S]``, the region of every sample, 0 for none.
        title: the first line.
        facts: short words beside it.
        limit: the strongest statistic of the scale.
        symbol: of the statistic, t or F.
    """

    statistic: np.ndarray
    numbers: np.ndarray
    title: str
    facts: tuple[str, ...]
    limit: float
    symbol: str


class AlignedFiles(Protocol):
    """What ``modalities/*/aligned/files.py`` has."""

    WORDS: Words

    def read(self, path: Path) -> Field:
        """The samples of a file.

        Raises:
            DataError: it cannot be read.
        """

    def read_labels(self, path: Path) -> np.ndarray:
        """Whole numbers ``[*S]`` of a label map, turned as :meth:`read` turns its file.

        Raises:
            DataError: it cannot be read.
        """

    def cut(self, whole: Field, where: Sequence[slice]) -> Field:
        """A piece of a field, ``where`` in tensor order; its place moves along."""

    def place(self, like: Field, index: Sequence[float]) -> tuple[float, ...]:
        """Where a sample lies.

        Args:
            like: a field.
            index: of the sample, in tensor order.

        Returns:
            D coordinates, x first, which :attr:`Words.axes` names.
        """

    def write(self, path: Path, samples: np.ndarray, like: Field) -> Path:
        """Write a map in the space of a field.

        Args:
            path: without a suffix.
            samples: ``[C, *S]``, float32 or unsigned integers.
            like: whose space it has.

        Returns:
            The path with a suffix.
        """

    def draw(self, mean: Field, shown: Shown) -> Image.Image:
        """The regions over the mean of all files."""
