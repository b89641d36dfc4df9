"""A one-stage detector's class logits (SSD, Liu et al. 2016; SSDLite, Sandler et al. 2018) as a function of the box.

A one-stage detector says of each of its anchors how likely every class is there. Read between the anchors, that is a
function of any box: the field. A box head that adds it to its own logits begins with all that such a detector has
learned, from many more photos than there are masks of, and learns what is missing.

Such a detector also says how each anchor must move to become the box of what is there. A field with boxes is read
between these instead, and the best of them are proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import ClassFieldConfig
from maskrcnn.models.nd import ConvNorm, conv, init_normal
from maskrcnn.ops.anchors import grid_anchors
from maskrcnn.ops.box_coding import decode_boxes, default_weights
from maskrcnn.ops.boxes import are_larger, clip_boxes, pairwise_iou, volumes
from maskrcnn.ops.nd import full
from maskrcnn.ops.nms import nms

CANDIDATES = 8  # times as many of its boxes as there may be proposals are considered
NMS_THRESHOLD = 0.7
MIN_BOX_SIZE = 1e-2
NEVER = -20.0  # logits of what does not count


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x, inplace=True)


@dataclass(frozen=True)
class FieldReading:
    """What the field says of a batch.

    Attributes:
        logits: ``[B, A, K]``, of every anchor.
        boxes: ``[A, 2D]`` the anchors, or ``[B, A, 2D]`` the boxes that they became.
    """

    logits: Tensor
    boxes: Tensor
    config: ClassFieldConfig

    def at(self, boxes: Sequence[Tensor]) -> Tensor:
        """Logits ``[R, K]`` at the boxes ``[R_b, 2D]`` of every image, image by image."""
        return torch.cat([self._read(*image) for image in zip(self.logits, self._by_image(), boxes)])

    @torch.no_grad()
    def join(self, proposals: Sequence[Tensor], spatial_shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
        """The proposals ``[P, 2D]`` of every image, and after them the field's own, if it has any."""
        if self.config.proposals == 0:
            return list(proposals)
        images = zip(proposals, self.logits, self._by_image(), spatial_shapes)
        return [torch.cat([given, self._best(*own)]) for given, *own in images]

    def _by_image(self) -> Tensor:
        return self.boxes.expand(len(self.logits), -1, -1)

    def _read(self, logits: Tensor, places: Tensor, boxes: Tensor) -> Tensor:
        """One image: ``logits`` ``[A, K]`` read at ``boxes`` ``[R, 2D]``, between the places that are most like it."""
        overlap, nearest = pairwise_iou(full(boxes), places).topk(min(self.config.nearest, places.shape[0]), dim=1)
        weights = (self.config.sharpness * overlap).softmax(1)
        return torch.einsum("rn,rnk->rk", weights, logits[nearest])

    def _best(self, logits: Tensor, boxes: Tensor, spatial_shape: tuple[int, ...]) -> Tensor:
        """One image: the boxes of the surest anchors, of any class, without those that a surer one stands for."""
        most = self.config.proposals
        surest, order = logits.amax(1).topk(min(CANDIDATES * most, len(logits)))
        boxes = clip_boxes(boxes[order], spatial_shape)
        large = are_larger(boxes, MIN_BOX_SIZE)
        boxes, surest = boxes[large], surest[large]
        return boxes[nms(boxes, surest, NMS_THRESHOLD)[:most]]


class ClassField(nn.Module):
    """The body's last two outputs to class logits, without background, that can be read at any box.

    Levels: the last output but one, expanded; the last; then each half as fine as the one before. Every level has a
    depthwise and a pointwise convolution that gives, at each position, logits of every class for every anchor
    (class-major, so that a class can be moved or added as a block of rows), and another two that give, if it proposes,
    the deltas from every anchor to a box.

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
        if config.handover is not None and not (config.proposals and config.rescaled):
            raise ValueError("a class field without boxes or without a second image has nothing to hand over")
        if not len(widths) == len(config.cells) == len(config.first):
            raise ValueError(f"a class field of {len(widths)} levels needs cells and a first centre for each of them")
        self.filters = nn.ModuleList(ConvNorm(ndim, w, w, 3, groups=w, activation=_relu6) for w in widths)
        self.logits = nn.ModuleList(
            conv(ndim, w, num_classes * len(cells), 1) for w, cells in zip(widths, config.cells)
        )
        for layer in self.logits:
            init_normal(layer, 0.01)
        self.box_filters, self.deltas = nn.ModuleList(), nn.ModuleList()
        if config.proposals:
            self.box_filters.extend(ConvNorm(ndim, w, w, 3, groups=w, activation=_relu6) for w in widths)
            self.deltas.extend(conv(ndim, w, 2 * ndim * len(cells), 1) for w, cells in zip(widths, config.cells))
            for layer in self.deltas:
                init_normal(layer, 0.001)
            # Boxes are where to look, not what is learned: no loss moves them.
            self.box_filters.requires_grad_(False)
            self.deltas.requires_grad_(False)

    def forward(self, outputs: Sequence[Tensor]) -> FieldReading:
        """What the field says, from the body's last two outputs, and its last two of the rescaled image if it looks at
        one."""
        if self.config.rescaled is None:
            return FieldReading(*self.look(outputs), self.config)
        own, other = outputs[:2], outputs[2:]
        # Both images are whole strides long, so their grids have the ratio of their sizes.
        ratio = [a / b for a, b in zip(own[0].shape[2:], other[0].shape[2:])][::-1]
        return self.together(self.look(own), self.look(other), ratio)

    def together(
        self, own: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], ratio: Sequence[float]
    ) -> FieldReading:
        """One reading of two looks.

        Args:
            own: logits ``[B, A, K]`` and boxes ``[B, A, 2D]`` of the image.
            other: the same of the rescaled image.
            ratio: of the image's size to that of the rescaled one, along each axis, x first.

        Returns:
            What both say, in coordinates of the image.
        """
        logits, boxes = zip(self.hand_over(*own), other)
        enlarged = boxes[1] * boxes[1].new_tensor([*ratio, *ratio])
        return FieldReading(torch.cat(logits, 1), torch.cat([boxes[0], enlarged], -2), self.config)

    def hand_over(self, logits: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Without the boxes that are too large for a look at this size: a part of a thing would pass for the whole."""
        if self.config.handover is None:
            return logits, boxes
        low, high = boxes.chunk(2, -1)
        large = volumes(boxes) ** (1 / low.shape[-1]) > self.config.handover
        # Nothing is like an empty box, and nobody proposes one.
        return logits.masked_fill(large[..., None], NEVER), torch.where(
            large[..., None], torch.cat([low, low], -1), boxes
        )

    def look(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits and boxes, as in :class:`FieldReading`, of an image at one size."""
        levels = [self.expand(outputs[0]), outputs[1]]
        for extra in self.extras:
            levels.append(extra(levels[-1]))
        logits, anchors, deltas = [], [], []
        for i, level in enumerate(levels):
            own = self.logits[i](self.filters[i](level)).movedim(1, -1)  # [B, *S, K * cells]
            logits.append(own.unflatten(-1, (self.num_classes, -1)).transpose(-1, -2).flatten(1, -2))
            half = torch.tensor(self.config.cells[i], device=level.device) / 2
            cells = torch.cat([-half, half], 1) + self.config.first[i]
            anchors.append(grid_anchors(cells, level.shape[2:], self.strides[i]))
            if self.config.proposals:
                moves = self.deltas[i](self.box_filters[i](level)).movedim(1, -1)  # [B, *S, cells * 2D]
                deltas.append(moves.unflatten(-1, (-1, 2 * half.shape[1])).flatten(1, -2))
        boxes = torch.cat(anchors)
        if self.config.proposals:
            moved = full(torch.cat(deltas, 1)).detach()
            boxes = decode_boxes(moved, boxes, default_weights(moved.shape[-1] // 2))
        return full(torch.cat(logits, 1)), boxes
