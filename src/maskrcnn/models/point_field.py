"""A bottom-up detector's heatmaps of points (MoveNet, Google 2021, after CenterNet, Zhou et al. 2019) over any box.

Such a detector says of every place of the whole image how likely each point of any object is there. Cut out over a box,
that is a heatmap of the box. A keypoint head that adds it to its own begins with all that the detector has learned,
from many more objects than there are with points here, and learns whose points they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import PointFieldConfig
from maskrcnn.models.nd import SeparableConv, conv, init_he, init_normal
from maskrcnn.ops.nd import channels_last, full, interpolate
from maskrcnn.ops.roi_align import roi_align


class PointField(nn.Module):
    """The body's outputs and boxes to heatmap logits ``[R, P, *M]``.

    From the coarsest output to the finest: brought to few channels, added to the enlarged sum so far, filtered. The
    heatmaps have the stride of the finest output.

    Args:
        channels: of the body's outputs, finest first.
        stride: of the finest.
        config: with as many ``laterals`` as there are outputs, and ``merged`` for all but the coarsest.

    Raises:
        ValueError: the config has another number of widths, or they do not fit each other.
    """

    def __init__(
        self,
        ndim: int,
        channels: Sequence[int],
        stride: tuple[int, ...],
        num_points: int,
        config: PointFieldConfig,
    ) -> None:
        super().__init__()
        if not len(channels) == len(config.laterals) == len(config.merged) + 1:
            raise ValueError(f"a point field over {len(channels)} outputs needs a lateral for each of them")
        if config.laterals[:1] + config.merged[:-1] != config.laterals[1:]:
            raise ValueError(f"each sum of a point field must be as wide as the next lateral: {config}")
        self.stride = stride
        self.laterals = nn.ModuleList(conv(ndim, c, width, 1) for c, width in zip(reversed(channels), config.laterals))
        self.merged = nn.ModuleList(
            SeparableConv(ndim, before, after) for before, after in zip(config.laterals[1:], config.merged)
        )
        self.hidden = SeparableConv(ndim, config.merged[-1], config.hidden)
        self.logits = conv(ndim, config.hidden, num_points, 1)
        init_he(self)
        init_normal(self.logits, 0.001)
        self.gain = nn.Parameter(torch.ones(num_points))  # how much each point's heatmap counts

    def forward(self, outputs: Sequence[Tensor], boxes: Sequence[Tensor], bins: Sequence[int]) -> Tensor:
        """Logits at the middle of each of ``bins`` (tensor order) of the boxes ``[R_b, 2D]`` of every image."""
        heatmaps = full(self.heatmaps(outputs)) * self.gain.reshape(-1, *(1,) * len(bins))
        flat = torch.cat(list(boxes))
        counts = torch.tensor([len(b) for b in boxes], device=flat.device)
        image_index = torch.arange(len(boxes), device=flat.device).repeat_interleave(counts)
        level = torch.zeros_like(image_index)
        return roi_align([heatmaps], full(flat), image_index, level, [self.stride], bins, 1, aligned=True)

    def heatmaps(self, outputs: Sequence[Tensor]) -> Tensor:
        """Logits ``[B, P, *S]`` of the whole image, from the body's outputs, finest first."""
        x, *finer = (lateral(output) for lateral, output in zip(self.laterals, reversed(outputs)))
        for lateral, layer in zip(finer, self.merged):
            x = F.relu(layer(lateral + channels_last(interpolate(x, lateral.shape[2:]))), inplace=True)
        return self.logits(F.relu(self.hidden(x), inplace=True))
