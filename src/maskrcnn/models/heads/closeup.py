"""Keypoints of an object seen on its own, enlarged: a network cut out of MoveNet (Google 2021) looks at each box.

In a pyramid's finest level a person of 40 samples has ten features from head to foot. This head goes back to the image
instead, as the first R-CNN did (Girshick et al. 2014) and pose estimation from the top down still does: it cuts each
object out at one size, whatever its own, and has a network of its own for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import CloseUpConfig, KeypointHeadConfig
from maskrcnn.models.nd import SeparableConv, conv, init_he, init_normal
from maskrcnn.models.point_head import PointHead
from maskrcnn.ops.cut_out import cube_around, cut_out
from maskrcnn.ops.keypoints import DECODERS
from maskrcnn.ops.nd import channels_last, full, interpolate

AT_ONCE = 16  # close-ups; hundreds of objects are looked at in turn, so that they do not need a gigabyte together
REACH = 1.8  # bins; MoveNet's: a place this far off counts half of one at the expected place


class CloseUp(nn.Module):
    """Images ``[R, C, *S]`` of one object each, in their middle, to heatmap logits ``[R, P, *M]`` of its points.

    As in CenterNet (Zhou et al. 2019) heatmaps tell where any object's points are, and the place in the middle where it
    expects those of its own object: what is far from there counts less.

    Args:
        body: its outputs' ``channels``, finest first; the heatmaps have the stride of the finest.
        config: with as many ``laterals`` as there are outputs, and ``merged`` for all but the coarsest.

    Raises:
        ValueError: the config has another number of widths, or they do not fit each other.
    """

    def __init__(self, ndim: int, body: Any, num_points: int, config: CloseUpConfig) -> None:
        super().__init__()
        if not len(body.channels) == len(config.laterals) == len(config.merged) + 1:
            raise ValueError(f"a close-up over {len(body.channels)} outputs needs a lateral for each of them")
        if config.laterals[:1] + config.merged[:-1] != config.laterals[1:]:
            raise ValueError(f"each sum of a close-up must be as wide as the next lateral: {config}")
        self.num_points = num_points
        self.body = body
        widths = zip(reversed(body.channels), config.laterals)
        self.laterals = nn.ModuleList(conv(ndim, c, width, 1) for c, width in widths)
        self.merged = nn.ModuleList(
            SeparableConv(ndim, before, after) for before, after in zip(config.laterals[1:], config.merged)
        )
        outputs = {"heatmaps": num_points, "expected": num_points * ndim}
        self.hidden = nn.ModuleDict({k: SeparableConv(ndim, config.merged[-1], config.hidden) for k in outputs})
        self.outputs = nn.ModuleDict({k: conv(ndim, config.hidden, channels, 1) for k, channels in outputs.items()})
        for own in (self.laterals, self.merged, self.hidden):
            init_he(own)
        for layer in self.outputs.values():
            init_normal(layer, 0.001)

    def forward(self, x: Tensor) -> Tensor:
        x, *finer = (layer(output) for layer, output in zip(self.laterals, reversed(self.body(channels_last(x)))))
        for lateral, layer in zip(finer, self.merged):
            x = F.relu(layer(lateral + channels_last(interpolate(x, lateral.shape[2:]))), inplace=True)
        heatmaps, expected = (full(self.outputs[k](F.relu(self.hidden[k](x), inplace=True))) for k in self.outputs)
        return F.logsigmoid(heatmaps) - (self._distances(expected) + REACH).log()

    def _distances(self, expected: Tensor) -> Tensor:
        """``[R, P, *M]``: bins between each place and the one where each point is expected, from what every place says
        of it, ``[R, P * D, *M]``: steps to it along each axis, in tensor order, point after point."""
        bins = expected.shape[2:]
        middle = expected
        for size in bins:
            middle = middle.select(2, size // 2)
        middle = middle.unflatten(1, (self.num_points, -1))
        squares = torch.zeros_like(expected[:, : self.num_points])
        for axis, size in enumerate(bins):
            place = torch.arange(size, device=expected.device) - size // 2
            steps = place - middle[..., axis, None]  # [R, P, size]
            layout = [1] * len(bins)
            layout[axis] = size
            squares = squares + steps.square().unflatten(2, layout)
        return (squares + 1e-4).sqrt()  # not 0: there a root has no slope


class CloseUpHead(PointHead):
    """(features, boxes) to heatmap logits ``[R, P, *M]`` over the regions that it sees of the image.

    Args:
        image: which of the features the image is.
    """

    sees_image = True
    slow = ("closeup",)

    def __init__(self, ndim: int, body: Any, config: KeypointHeadConfig, image: int) -> None:
        super().__init__()
        assert config.closeup is not None
        self.num_keypoints, self.decode = config.num_keypoints, DECODERS[config.decoding]
        self.size, self.margin, self.image = (config.closeup.size,) * ndim, config.closeup.margin, image
        self.closeup = CloseUp(ndim, body, config.num_keypoints, config.closeup)
        self.output_size = tuple(-(-size // step) for size, step in zip(self.size, body.strides[0]))

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        image = features[self.image]
        if sum(map(len, boxes)) == 0:
            return image.new_zeros((0, self.num_keypoints, *self.output_size))
        cuts = cut_out(image, [self.regions(own) for own in boxes], self.size)
        some = [cuts] if torch.is_grad_enabled() else cuts.split(AT_ONCE)
        return torch.cat([self.closeup(own) for own in some])

    def regions(self, boxes: Tensor) -> Tensor:
        """Where the heatmaps of boxes ``[R, 2D]`` lie: cubes round them."""
        return cube_around(full(boxes), self.margin)
