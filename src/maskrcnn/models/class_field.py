"""A one-stage detector's class logits (SSD, Liu et al. 2016; SSDLite, Sandler et al. 2018) as a function of the box.

A one-stage detector says of each of its anchors how likely every class is there. Read between the anchors, that is a
function of any box: the field. A box head that adds it to its own logits begins with all that such a detector has
learned, from many more photos than there are masks of, and learns what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import ClassFieldConfig
from maskrcnn.models.nd import ConvNorm, conv, init_normal
from maskrcnn.ops.anchors import grid_anchors
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nd import full


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x, inplace=True)


class ClassField(nn.Module):
    """The body's last two outputs and boxes to class logits ``[R, K]``, without background.

    Levels: the last output but one, expanded; the last; then each half as fine as the one before. Every level has a
    depthwise and a pointwise convolution that gives, at each position, logits of every class for every anchor
    (class-major, so that a class can be moved or added as a block of rows).

    Args:
        channels, strides: of the body's last two outputs.
        config: with as many entries in ``cells`` and ``first`` as there are levels.
    """

    def __init__(
        self,
        ndim: int,
        channels: Sequence[int],
        strides: Sequence[tuple[int, ...]],
        num_classes: int,
        config: ClassFieldConfig,
    ) -> None:
        super().__init__()
        self.num_classes, self.config = num_classes, config
        self.expand = ConvNorm(ndim, channels[0], config.expanded, 1, activation=_relu6)
        widths, self.strides = [config.expanded, channels[1]], list(strides)
        self.extras = nn.ModuleList()
        for squeezed, out in config.extras:
            self.extras.append(
                nn.Sequential(
                    ConvNorm(ndim, widths[-1], squeezed, 1, activation=_relu6),
                    ConvNorm(ndim, squeezed, squeezed, 3, 2, squeezed, activation=_relu6),
                    ConvNorm(ndim, squeezed, out, 1, activation=_relu6),
                )
            )
            widths.append(out)
            self.strides.append(tuple(2 * s for s in self.strides[-1]))
        if not len(widths) == len(config.cells) == len(config.first):
            raise ValueError(f"a class field of {len(widths)} levels needs cells and a first centre for each of them")
        self.filters = nn.ModuleList(ConvNorm(ndim, w, w, 3, groups=w, activation=_relu6) for w in widths)
        self.logits = nn.ModuleList(
            conv(ndim, w, num_classes * len(cells), 1) for w, cells in zip(widths, config.cells)
        )
        for layer in self.logits:
            init_normal(layer, 0.01)

    def forward(self, outputs: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """Logits ``[R, K]`` at the boxes ``[R_b, 2D]`` of every image, image by image."""
        logits, anchors = self.at_anchors(outputs)
        return torch.cat([self._read(own, anchors, image_boxes) for own, image_boxes in zip(logits, boxes)])

    def at_anchors(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits ``[B, A, K]`` at the anchors ``[A, 2D]`` of all levels, and those."""
        levels = [self.expand(outputs[0]), outputs[1]]
        for extra in self.extras:
            levels.append(extra(levels[-1]))
        logits, anchors = [], []
        for i, level in enumerate(levels):
            own = self.logits[i](self.filters[i](level)).movedim(1, -1)  # [B, *S, K * cells]
            logits.append(own.unflatten(-1, (self.num_classes, -1)).transpose(-1, -2).flatten(1, -2))
            half = torch.tensor(self.config.cells[i], device=level.device) / 2
            cells = torch.cat([-half, half], 1) + self.config.first[i]
            anchors.append(grid_anchors(cells, level.shape[2:], self.strides[i]))
        return full(torch.cat(logits, 1)), torch.cat(anchors)

    def _read(self, logits: Tensor, anchors: Tensor, boxes: Tensor) -> Tensor:
        """One image: ``logits`` ``[A, K]`` read at ``boxes`` ``[R, 2D]``, between the anchors that are most like it."""
        overlap, nearest = pairwise_iou(full(boxes), anchors).topk(min(self.config.nearest, len(anchors)), dim=1)
        weights = (self.config.sharpness * overlap).softmax(1)
        return torch.einsum("rn,rnk->rk", weights, logits[nearest])
