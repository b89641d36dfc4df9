"""The surface of an object seen on its own, enlarged: a network of its own looks at each box, cut out of the image.

A close-up of a person tells left from right and arms from legs where features pooled from a pyramid have one bin for a
hand. The body is that of the joints' network (MoveNet), which has learned this already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import CloseUpConfig, ModelConfig
from maskrcnn.models.nd import SeparableConv, conv, init_he, init_normal
from maskrcnn.ops.cut_out import cube_around, cut_out
from maskrcnn.ops.nd import channels_last, full, interpolate


class SurfaceDecoder(nn.Module):
    """Images ``[R, C, *S]`` of one object each, in their middle, to maps ``[R, S + 3 (P + 1), *M]``.

    Args:
        body: its outputs' ``channels``, finest first; the maps have the stride of the finest.
        channels: of the coarse segmentation, the parts, u and v.
        config: with as many ``laterals`` as there are outputs, and ``merged`` for all but the coarsest.

    Raises:
        ValueError: the config has another number of widths, or they do not fit each other.
    """

    def __init__(self, ndim: int, body: Any, channels: Sequence[int], config: CloseUpConfig) -> None:
        super().__init__()
        if not len(body.channels) == len(config.laterals) == len(config.merged) + 1:
            raise ValueError(f"a close-up over {len(body.channels)} outputs needs a lateral for each of them")
        if config.laterals[:1] + config.merged[:-1] != config.laterals[1:]:
            raise ValueError(f"each sum of a close-up must be as wide as the next lateral: {config}")
        self.body = body
        widths = zip(reversed(body.channels), config.laterals)
        self.laterals = nn.ModuleList(conv(ndim, c, width, 1) for c, width in widths)
        self.merged = nn.ModuleList(
            SeparableConv(ndim, before, after) for before, after in zip(config.laterals[1:], config.merged)
        )
        self.hidden = nn.ModuleList(
            (SeparableConv(ndim, config.merged[-1], config.hidden), SeparableConv(ndim, config.hidden, config.hidden))
        )
        self.maps = conv(ndim, config.hidden, sum(channels), 1)
        for own in (self.laterals, self.merged, self.hidden):
            init_he(own)
        init_normal(self.maps, 0.01)
        with torch.no_grad():
            cast(Tensor, self.maps.bias)[-2 * channels[-1] :] = 0.5  # the middle of every part

    def forward(self, x: Tensor) -> Tensor:
        x, *finer = (layer(output) for layer, output in zip(self.laterals, reversed(self.body(channels_last(x)))))
        for lateral, layer in zip(finer, self.merged):
            x = F.relu(layer(F.relu(lateral + channels_last(interpolate(x, lateral.shape[2:])))), inplace=True)
        for layer in self.hidden:
            x = F.relu(layer(x), inplace=True)
        maps: Tensor = self.maps(x)
        return maps


class CloseUpSurface(nn.Module):
    """(features, boxes) to maps ``[R, S + 3 (P + 1), *M]`` over the cubes that it sees of the image.

    Args:
        config: of the model; its surface head has a close-up.
        body: of that.
        image: which of the features the image is.
    """

    def __init__(self, config: ModelConfig, body: Any, image: int) -> None:
        super().__init__()
        own = config.surface_head
        assert own is not None and own.closeup is not None
        parts = len(own.surface.parts) + 1
        self.channels = (own.coarse, parts, parts, parts)
        self.size, self.margin, self.image = (own.closeup.size,) * config.ndim, own.closeup.margin, image
        self.decoder = SurfaceDecoder(config.ndim, body, self.channels, own.closeup)
        self.output_size = tuple(-(-size // step) for size, step in zip(self.size, body.strides[0]))

    def regions(self, boxes: Tensor) -> Tensor:
        """Where the maps of boxes ``[R, 2D]`` lie: cubes round them."""
        return cube_around(full(boxes), self.margin)

    def levels_of(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The image itself."""
        return [features[self.image]]

    def maps(self, levels: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """The maps of boxes ``[R_b, 2D]`` of every image, from what :meth:`levels_of` gives."""
        image = levels[0]
        if sum(map(len, boxes)) == 0:
            return image.new_zeros((0, sum(self.channels), *self.output_size))
        maps: Tensor = self.decoder(cut_out(image, [self.regions(own) for own in boxes], self.size))
        return maps

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        return self.maps(self.levels_of(features), boxes)
