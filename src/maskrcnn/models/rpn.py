"""Region proposal network (Ren et al. 2015): is there an object at this anchor, and where exactly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import AnchorConfig, SelectionConfig
from maskrcnn.models.nd import conv, conv3, init_normal
from maskrcnn.ops.anchors import cell_anchors, grid_anchors
from maskrcnn.ops.box_coding import decode_boxes
from maskrcnn.ops.boxes import are_larger, clip_boxes
from maskrcnn.ops.nd import full
from maskrcnn.ops.nms import grouped_nms


class RPN(nn.Module):
    """Levels ``[B, C, *S]`` to objectness and box deltas of every anchor.

    Anchors run level by level, within a level position by position in tensor order, within a position in the order of
    :func:`maskrcnn.ops.anchors.cell_anchors`.
    """

    def __init__(
        self,
        ndim: int,
        channels: int,
        config: AnchorConfig,
        strides: Sequence[tuple[int, ...]],
        separable: bool = False,
        convs: int = 1,
    ) -> None:
        super().__init__()
        self.ndim, self.config, self.strides = ndim, config, strides
        per_position = {len(sizes) * len(config.shapes) for sizes in config.sizes}
        if len(per_position) != 1 or len(config.sizes) != len(strides):
            raise ValueError(f"{len(strides)} levels need as many tuples of anchor sizes, all of one length")
        count = per_position.pop()
        self.conv = conv3(ndim, channels, channels, separable)
        self.further = nn.ModuleList(conv3(ndim, channels, channels, separable) for _ in range(convs - 1))
        self.logits = conv(ndim, channels, count, 1)
        self.deltas = conv(ndim, channels, count * 2 * ndim, 1)
        init_normal(self, 0.01)
        if separable:
            for part in (self.conv, *self.further):
                nn.init.kaiming_normal_(part[0].weight)
                nn.init.kaiming_normal_(part[1].weight)

    def forward(self, features: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """For each level, objectness logits ``[B, A]`` and deltas ``[B, A, 2D]`` of its A anchors."""
        logits, deltas = [], []
        for level in features[: len(self.strides)]:
            hidden = F.relu(self.conv(level), inplace=True)
            for layer in self.further:
                hidden = F.relu(layer(hidden), inplace=True)
            logits.append(self.logits(hidden).movedim(1, -1).flatten(1))
            deltas.append(self.deltas(hidden).movedim(1, -1).reshape(len(level), -1, 2 * self.ndim))
        return logits, deltas

    def anchors(self, features: Sequence[Tensor], padded_shape: Sequence[int]) -> list[Tensor]:
        """``[anchors of the level, 2D]``, a level each, for images padded to ``padded_shape`` (tensor order)."""
        anchors = []
        for level, stride, sizes in zip(features, self.strides, self.config.sizes):
            grid = tuple(level.shape[2:])
            if self.config.padded_stride:
                stride = tuple(size // n for size, n in zip(padded_shape, grid))
            cells = cell_anchors(sizes, self.config.shapes, self.config.rounded).to(level.device)
            anchors.append(grid_anchors(cells, grid, stride))
        return anchors


@torch.no_grad()
def propose(
    logits: Sequence[Tensor],
    deltas: Sequence[Tensor],
    anchors: Sequence[Tensor],
    spatial_shapes: Sequence[tuple[int, ...]],
    config: SelectionConfig,
) -> list[Tensor]:
    """Propose the most promising boxes of each image.

    Only the best ``pre_nms`` anchors of a level are decoded. Gradients do not flow through a
    proposal.

    Args:
        logits: of each level, ``[B, A_l]``.
        deltas: of each level, ``[B, A_l, 2D]``.
        anchors: of each level, ``[A_l, 2D]``.
        spatial_shapes: of each image, tensor order.
        config: how many boxes of a level are kept before and after suppression.

    Returns:
        Of each image at most ``post_nms`` boxes, ``[P, 2D]``, best first.
    """
    scores, boxes, groups = rank(logits, deltas, anchors, config.pre_nms)
    images = zip(boxes, scores, spatial_shapes)
    return [suppress(b, s, groups, shape, config)[: config.post_nms] for b, s, shape in images]


def rank(
    logits: Sequence[Tensor], deltas: Sequence[Tensor], anchors: Sequence[Tensor], most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Decode the best anchors of every level.

    Args:
        logits: of each level, ``[B, A_l]``.
        deltas: of each level, ``[B, A_l, 2D]``.
        anchors: of each level, ``[A_l, 2D]``.
        most: anchors of a level.

    Returns:
        Objectness ``[B, P]``, boxes ``[B, P, 2D]``, and the level of each, ``[P]``.
    """
    best = []
    for level_logits, level_deltas, level_anchors in zip(logits, deltas, anchors):
        top = full(level_logits).topk(min(most, level_logits.shape[1]), dim=1)
        gathered = full(level_deltas).gather(1, top.indices[..., None].expand(-1, -1, level_deltas.shape[2]))
        plain = (1.0,) * gathered.shape[-1]
        best.append((top.values, decode_boxes(gathered, level_anchors[top.indices], plain)))
    scores = torch.cat([level[0] for level in best], 1)
    boxes = torch.cat([level[1] for level in best], 1)
    groups = torch.cat([torch.full_like(level[0][0], i, dtype=torch.long) for i, level in enumerate(best)])
    return scores, boxes, groups


def suppress(
    boxes: Tensor, scores: Tensor, groups: Tensor, spatial_shape: tuple[int, ...], config: SelectionConfig
) -> Tensor:
    """Suppress boxes of one image that a better one of their level stands for.

    Args:
        boxes: ``[P, 2D]``.
        scores: ``[P]``.
        groups: int64 ``[P]``, the level of each.
        spatial_shape: of the image, tensor order.
        config: the threshold, the least size and the least score.

    Returns:
        The boxes that stay, best first.
    """
    boxes = clip_boxes(boxes, spatial_shape)
    kept = are_larger(boxes, config.min_box_size)
    if config.score_threshold > 0:
        kept &= scores.sigmoid() >= config.score_threshold
    boxes = boxes[kept]
    return boxes[grouped_nms(boxes, scores[kept], groups[kept], config.nms_threshold)]
