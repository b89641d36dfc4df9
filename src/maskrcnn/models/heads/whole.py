"""The head for labels of whole files: every place of the file says how much it speaks for each label.

Features of all levels are summed on one grid. Each place has a score for each label and an attention (gated, Ilse et
al. 2018, section 2.4), which is a softmax over all places of the file. The file's logit is the sum over its places of
attention times score. These products are the places' contributions, signed, and added up they are the logit (additive
multiple instance learning, Javed et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import ModelConfig, WholeHeadConfig
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import ImageHead, LossInputs, Place, Slices
from maskrcnn.models.nd import conv, init_he
from maskrcnn.models.whole.evidence import WholeEvidence, joined
from maskrcnn.ops.nd import interpolate
from maskrcnn.regions import AxisMap
from maskrcnn.structures import ImageBatch, Instances

RESAMPLED = 8  # models with other dropped channels, for the range of a share
DROPPED = 0.2  # of the channels


class WholeHead(ImageHead):
    """Features to scores and attention of every place, ``of_image[name]`` is a
    :class:`maskrcnn.models.whole.evidence.WholeEvidence`.

    Args:
        config: of the model; it has a whole head.
        strides: of the pyramid's levels, tensor order.
    """

    def __init__(self, config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        own = config.whole_head
        assert own is not None
        self.own, self.weights = own, config.loss.whole_weights
        rows = 1 if own.kind == "number" else config.num_classes
        self.levels = [k for k, stride in enumerate(strides) if min(stride) >= own.stride] or [len(strides) - 1]
        self.stride = tuple(strides[self.levels[0]])
        channels, width = config.backbone.fpn_channels, own.width
        self.laterals = nn.ModuleList(conv(config.ndim, channels, width, 1) for _ in self.levels)
        self.scores = conv(config.ndim, width, rows, 1)
        self.shown = conv(config.ndim, width, width, 1)
        self.gate = conv(config.ndim, width, width, 1)
        self.attention = conv(config.ndim, width, rows, 1)
        init_he(self)
        nn.init.zeros_(self.attention.weight)  # type: ignore[arg-type]  # it begins as the mean over all places
        masks = (torch.rand(RESAMPLED, width, generator=torch.Generator().manual_seed(0)) >= DROPPED) / (1 - DROPPED)
        self.register_buffer("kept", masks, persistent=False)

    def hidden(self, features: Sequence[Tensor]) -> Tensor:
        """What both outputs are made of, ``[B, width, *G]``."""
        first = features[self.levels[0]]
        total = self.laterals[0](first)
        for level, lateral in zip(self.levels[1:], self.laterals[1:]):
            total = total + interpolate(lateral(features[level]), first.shape[2:])
        return F.relu(total)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Scores and attention (before the softmax) of every place, ``[B, K, *G]`` each."""
        attention = self.attention(torch.tanh(self.shown(hidden)) * torch.sigmoid(self.gate(hidden)))
        return self.scores(hidden).float(), attention.float()

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        hidden = self.hidden(features)
        masks = [None, *self.kept.to(hidden.dtype)]  # type: ignore[misc]
        outputs = [self(hidden if m is None else hidden * m.reshape(-1, *(1,) * len(self.stride))) for m in masks]
        scores, attention = (torch.stack(own, 1) for own in zip(*outputs))
        for k, (shape, found) in enumerate(zip(images.spatial_shapes, detections)):
            there: Any = (k, ..., *self._places(shape, hidden.shape[2:]))
            found.of_image[self.name] = self.evidence(scores[there], attention[there], shape)

    def evidence(self, scores: Tensor, attention: Tensor, spatial_shape: Sequence[int]) -> WholeEvidence:
        """Put together what the places of an input say.

        Args:
            scores: ``[M, K, *G]``.
            attention: the same, before the softmax.
            spatial_shape: of the input, tensor order.

        Returns:
            The evidence, in coordinates of the input.
        """
        cell, own = tuple(map(float, self.stride)), self.own
        return WholeEvidence(scores, attention, cell, tuple(spatial_shape), own.kind, own.mean, own.deviation)

    def _places(self, spatial_shape: Sequence[int], grid: Sequence[int]) -> Slices:
        """Those that are not padding."""
        counts = (-(-side // step) for side, step in zip(spatial_shape, self.stride))
        return tuple(slice(0, min(count, side)) for count, side in zip(counts, grid))

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        assert inputs.images is not None
        hidden = self.hidden(inputs.features)
        if self.training:
            drop = torch.rand(hidden.shape[:2], device=hidden.device) >= DROPPED
            hidden = hidden * (drop / (1 - DROPPED)).to(hidden.dtype).reshape(*drop.shape, *(1,) * len(self.stride))
        scores, attention = self(hidden)
        logits = []
        for k, shape in enumerate(inputs.images.spatial_shapes):
            there: Any = (slice(k, k + 1), ..., *self._places(shape, hidden.shape[2:]))
            logits.append(self.evidence(scores[there], attention[there], shape).logits()[0])
        targets = [target.file_labels for target in inputs.targets]
        return {self.loss_names()[0]: whole_loss(torch.stack(logits), targets, self.own, self.weights)}

    def to_file(self, found: Instances, place: Place) -> None:
        own: WholeEvidence = found.of_image[self.name]
        cell = tuple(step * abs(factor) for step, factor in zip(own.cell, reversed(place.back.scale)))
        found.of_image[self.name] = replace(own, cell=cell, spatial_shape=place.spatial_shape)

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        own: WholeEvidence = found.of_image[self.name]
        found.of_image[self.name] = replace(own, scores=own.scores.flip(-1), attention=own.attention.flip(-1))

    def average(self, looks: Sequence[Instances]) -> None:
        every: list[WholeEvidence] = [look.of_image[self.name] for look in looks]
        scores, attention = (
            torch.stack([getattr(own, name) for own in every]).mean(0) for name in ("scores", "attention")
        )
        looks[0].of_image[self.name] = replace(every[0], scores=scores, attention=attention)

    def merge(
        self, merged: Instances, parts: Sequence[Instances], slices: Sequence[Slices], spatial_shape: tuple[int, ...]
    ) -> None:
        merged.of_image[self.name] = joined([part.of_image[self.name] for part in parts], slices, spatial_shape)

    def written(self, found: Instances, i: int) -> dict[str, object]:
        names = ("share", "share_low", "share_high")
        return {name: round(float(found.outputs[name][i]), 4) for name in names if name in found.outputs}

    def written_of_image(self, found: Instances) -> dict[str, object]:
        own = found.of_image.get(self.name)
        return {} if own is None else {self.name: [round(value, 5) for value in own.answer().tolist()]}


def whole_loss(
    logits: Tensor, targets: Sequence[Tensor | None], head: WholeHeadConfig, weights: Sequence[float] = ()
) -> Term:
    """Cross entropy of one class a file, binary cross entropy of each of several labels, or smooth L1 of a number.

    Args:
        logits: ``[B, K]``, of a number ``[B, 1]`` in units of its deviation.
        targets: of each file ``[K]`` (or ``[1]``), see :class:`maskrcnn.structures.Instances`; what is not a number
            does not count, nor does a file without labels.
        head: says which kind of labels these are.
        weights: of each label where it is there; none: 1 each.

    Returns:
        The sum over files (and labels), and how many there were.
    """
    unknown = logits.new_full(logits.shape[1:], torch.nan)
    wanted = torch.stack([unknown if own is None else own.to(logits) for own in targets])
    known = ~wanted.isnan()
    if head.kind == "number":
        error = F.smooth_l1_loss(logits, (wanted.nan_to_num() - head.mean) / head.deviation, reduction="none")
        return Term((error * known).sum(), int(known.sum()))
    scale = logits.new_tensor(list(weights) or [1.0] * logits.shape[1])
    if head.kind == "labels":
        loss = F.binary_cross_entropy_with_logits(logits, wanted.nan_to_num(), reduction="none", pos_weight=scale)
        return Term((loss * known).sum(), int(known.sum()))
    whole = known.all(1)
    loss = -(wanted.nan_to_num() * scale * logits.log_softmax(1)).sum(1)
    return Term((loss * whole).sum(), int(whole.sum()))
