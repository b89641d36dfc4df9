"""What the places of a file say of the file as a whole: scores and attention on a coarse grid, and what follows.

Over tiles the places of all of them are one grid, so that attention is one softmax over the whole file, however long it
is: a file is never judged window by window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from maskrcnn.ops.nd import read_linear

Slices = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class WholeEvidence:
    """What each place of a file says.

    Attributes:
        scores: float ``[M, K, *G]``: of the model and of M - 1 resampled ones (dropout), what each place says for each
            label.
        attention: float ``[M, K, *G]``: before the softmax over all places.
        cell: samples from place to place along each axis, tensor order; place g covers ``[g * cell, (g + 1) * cell)``.
        spatial_shape: samples of the file, tensor order.
        kind: ``classes``, ``labels`` or ``number``.
        mean, deviation: of numbers.
    """

    scores: Tensor
    attention: Tensor
    cell: tuple[float, ...]
    spatial_shape: tuple[int, ...]
    kind: str
    mean: float = 0.0
    deviation: float = 1.0

    def to(self, device: torch.device | str) -> WholeEvidence:
        """The same on another device."""
        return replace(self, scores=self.scores.to(device), attention=self.attention.to(device))

    def contributions(self) -> Tensor:
        """``[M, K, *G]``: attention times score. Added up over the places they are :meth:`logits`."""
        weights = self.attention.flatten(2).softmax(-1).reshape(self.attention.shape)
        return weights * self.scores

    def logits(self) -> Tensor:
        """``[M, K]`` of the file."""
        return self.contributions().flatten(2).sum(-1)

    def answer(self) -> Tensor:
        """Of the model itself: the probability of each label ``[K]``, or the number ``[1]``."""
        logits = self.logits()[0]
        if self.kind == "number":
            return logits * self.deviation + self.mean
        return logits.softmax(0) if self.kind == "classes" else logits.sigmoid()

    def read(self, values: Tensor) -> Tensor:
        """Values of places ``[C, *G]`` at every sample of the file, linearly between the places: ``[C, *S]``."""
        scale = [1 / cell for cell in self.cell]
        return read_linear(values, scale, [0.0] * len(scale), [0] * len(scale), self.spatial_shape)


def joined(parts: Sequence[WholeEvidence], slices: Sequence[Slices], spatial_shape: Sequence[int]) -> WholeEvidence:
    """The places of a file from those of its tiles, or of its channels.

    Args:
        parts: of each tile or channel.
        slices: where each lies in the file, tensor order; the same for channels.
        spatial_shape: of the file.

    Returns:
        One grid over the whole file. Where tiles overlap a place has the mean of what they say, each weighted by how
        far the place lies from its border.
    """
    first, shape = parts[0], tuple(int(side) for side in spatial_shape)
    cell = tuple(min(own) for own in zip(*(part.cell for part in parts)))
    grid = [max(math.ceil(side / step - 1e-6), 1) for side, step in zip(shape, cell)]
    total = torch.zeros(2, *first.scores.shape[:2], *grid)
    weights = torch.zeros(grid)
    for part, where in zip(parts, slices):
        values, inside = torch.stack([part.scores, part.attention]), torch.ones(())
        block: list[slice] = []
        for axis, (own, step, side) in enumerate(zip(where, cell, grid)):
            centres = (torch.arange(side, dtype=torch.float64) + 0.5) * step
            here = torch.nonzero((centres >= own.start) & (centres < own.stop))[:, 0]
            here = here if len(here) else centres.sub((own.start + own.stop) / 2).abs().argmin()[None]
            places = ((centres[here] - own.start) / part.cell[axis]).floor().long()
            values = values.index_select(axis + 3, places.clamp(0, part.scores.shape[axis + 2] - 1))
            border = torch.minimum(centres[here] - own.start, own.stop - centres[here]).clamp(min=0.5).float()
            inside = inside[..., None] * border
            block.append(slice(int(here[0]), int(here[-1]) + 1))
        total[(slice(None), slice(None), slice(None), *block)] += values * inside
        weights[tuple(block)] += inside
    mean = total / weights.clamp(min=1e-12)
    return replace(first, scores=mean[0], attention=mean[1], cell=cell, spatial_shape=shape)
