"""Small signals and what was found in them, for the tests of pictures and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Instances


@dataclass(frozen=True)
class Recording:
    samples: torch.Tensor
    rate: float = 100.0
    channel_names: tuple[str, ...] = ("lead",)
    kind: str = "wfdb"
    unit: str = "s"


def recording(length: int, channels: int = 1, **fields) -> Recording:
    values = np.random.default_rng(0).normal(size=(channels, length)).astype(np.float32)
    fields.setdefault("channel_names", tuple(f"lead {k}" for k in range(channels)))
    return Recording(torch.from_numpy(values), **fields)


def dna(bases: str) -> Recording:
    one_hot = np.array([[float(base == letter) for base in bases] for letter in "ACGT"], dtype=np.float32)
    one_hot[:, np.array(list(bases)) == "N"] = 0.25
    return Recording(torch.from_numpy(one_hot), 1.0, tuple("ACGT"), "dna", "bp")


def found(
    length: int,
    intervals: Sequence[tuple[float, float]],
    labels: Sequence[int],
    scores: Sequence[float] | None = None,
    masks: Sequence[Sequence[int]] | None = None,
) -> Instances:
    """Boxes as given; ``masks`` are the samples that each object covers."""
    regions = None
    if masks is not None:
        full = (np.isin(np.arange(length), np.array(covered, dtype=int)) for covered in masks)
        regions = Regions.from_masks(full, (length,))
    return Instances(
        torch.tensor(intervals, dtype=torch.float32).reshape(-1, 2),
        torch.tensor(labels, dtype=torch.int64),
        torch.tensor([0.9] * len(labels) if scores is None else scores, dtype=torch.float32),
        regions=regions,
    )
