"""The semantic head: the branch of Panoptic FPN (Kirillov et al. 2019, section 3), in any number of dimensions.

Each level of the pyramid climbs to the finest one in steps (3-wide convolution, norm, ReLU, and to the grid of the next
finer level), all are summed, and one more layer tells the class of every place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.losses.semantic import rows_of, semantic_terms, term_names
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.class_probabilities import ClassProbabilities, from_grid, in_place, joined
from maskrcnn.models.head import ImageHead, LossInputs, Place, Slices
from maskrcnn.models.nd import conv, init_he, init_normal, norm
from maskrcnn.ops.nd import channels_last, interpolate
from maskrcnn.regions import AxisMap
from maskrcnn.structures import ImageBatch, Instances

Finer = tuple[int, tuple[int, ...]]


class SemanticHead(ImageHead):
    """Features to logits ``[B, C, *G]`` on the grid of the finest level, or of the body's first resolution.

    ``of_image[name]`` is a :class:`maskrcnn.models.class_probabilities.ClassProbabilities`.

    Args:
        config: of the model; it has a semantic head.
        strides: of the pyramid's levels, the last of which is the RPN's own.
        finer: channels and stride of the body's first resolution, for a config that wants it; else None.
    """

    def __init__(self, config: ModelConfig, strides: Sequence[tuple[int, ...]], finer: Finer | None) -> None:
        super().__init__()
        own = config.semantic_head
        assert own is not None
        self.eps, self.ndim, self.own, self.loss = config.backbone.norm_eps, config.ndim, own, config.loss.semantic
        self.background, self.levels = own.background, len(strides) - 1
        widths = [own.widths[min(max(grid - 1, 0), len(own.widths) - 1)] for grid in range(self.levels)]
        channels, classes = config.backbone.fpn_channels, config.num_classes + int(own.background)
        self.climbs = nn.ModuleList(
            nn.ModuleList(self._step(before, after) for before, after in zip([channels, *path], path))
            for path in ([widths[grid] for grid in range(level, 0, -1)] or widths[:1] for level in range(self.levels))
        )
        self.deep = nn.ModuleList(conv(config.ndim, channels, classes, 1) for _ in range(own.deep * (self.levels - 1)))
        self.stride, last = tuple(strides[0]), widths[0]
        if own.finer and finer is not None:
            self.sees_first, self.stride = True, tuple(finer[1])
            self.lateral = conv(config.ndim, finer[0], own.finer, 1)
            last = own.finer_width or last
            self.narrow = conv(config.ndim, widths[0], last, 1) if own.finer_width else nn.Identity()
            self.refine = self._step(last + own.finer, last)
        init_he(self)
        self.logits = conv(config.ndim, last, classes, 1)
        for layer in (self.logits, *self.deep):
            init_normal(layer, 0.01)

    def _step(self, before: int, after: int) -> nn.Module:
        own, reach = self.own, {"dilation": self.own.dilation, "padding": self.own.dilation}
        biased = own.norm is None
        if own.separable:
            depthwise = conv(self.ndim, before, before, 3, groups=before, bias=False, **reach)
            layers = [depthwise, conv(self.ndim, before, after, 1, bias=biased)]
        else:
            layers = [conv(self.ndim, before, after, 3, bias=biased, **reach)]
        norms = [] if own.norm is None else [norm(own.norm, self.ndim, after, self.eps)]
        return nn.Sequential(*layers, *norms, nn.ReLU(inplace=True))

    def forward(self, features: Sequence[Tensor], images: ImageBatch | None = None) -> Tensor:
        levels = features[: self.levels]
        total = self.climbs[0][0](levels[0])  # type: ignore[index]
        for level, climb in enumerate(self.climbs):
            if level == 0:
                continue
            x = levels[level]
            for grid, step in zip(range(level - 1, -1, -1), climb):  # type: ignore[call-overload]
                x = channels_last(interpolate(step(x), levels[grid].shape[2:]))
            total = total + x
        if self.own.finer:
            first = self.lateral(features[self.first])
            total = channels_last(interpolate(self.narrow(total), first.shape[2:]))
            total = self.refine(torch.cat([total, first], 1))
        logits: Tensor = self.logits(total)
        return logits

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        assert inputs.images is not None
        predicted = [self(inputs.features)]
        predicted += [layer(level) for layer, level in zip(self.deep, inputs.features[1 : self.levels])]
        rows = rows_of(inputs.targets, inputs.images.tensor.shape[2:], self.lowest)
        return semantic_terms(predicted, rows, inputs.config.semantic, self._unsearched(inputs))

    def _unsearched(self, inputs: LossInputs) -> list[list[int]] | None:
        """Of each image the rows of classes that nobody searched for there. Without background there is nothing that
        they could be mistaken for."""
        if inputs.exhaustive is None or not self.background:
            return None
        classes = range(1, self.logits.out_channels)  # type: ignore[arg-type]
        return [[] if own is None else [k for k in classes if k not in own] for own in inputs.exhaustive]

    def loss_names(self) -> tuple[str, ...]:
        return term_names(self.loss, self.own.deep)

    @property
    def lowest(self) -> int:
        """The label of the first row."""
        return 0 if self.background else 1

    def class_layers(self, config: ModelConfig) -> dict[str, tuple[int, int]]:
        names = ["logits", *(f"deep.{k}" for k in range(len(self.deep)))]
        return {name: (int(self.background), 1) for name in names}

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        for own, shape, found in zip(self(features, images), images.spatial_shapes, detections):
            found.of_image[self.name] = from_grid(own, self.stride, shape, self.lowest)

    def to_file(self, found: Instances, place: Place) -> None:
        found.of_image[self.name] = self._of(found).within(place.back, place.spatial_shape)

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        own = self._of(found)
        found.of_image[self.name] = own.within(across, own.spatial_shape)

    def average(self, looks: Sequence[Instances]) -> None:
        looks[0].of_image[self.name] = joined([self._of(look) for look in looks])

    def merge(
        self, merged: Instances, parts: Sequence[Instances], slices: Sequence[Slices], spatial_shape: tuple[int, ...]
    ) -> None:
        merged.of_image[self.name] = in_place([self._of(part) for part in parts], slices, spatial_shape)

    def written_of_image(self, found: Instances) -> dict[str, object]:
        return {}

    def _of(self, found: Instances) -> ClassProbabilities:
        own: ClassProbabilities = found.of_image[self.name]
        return own
