"""The network of the surface head: pooled features to maps of body, parts, u and v (DensePose, Güler et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.models.nd import CONV_TRANSPOSE, conv_norm, init_he, init_normal
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.models.surface.layers import AtrousPyramid, Decoder
from maskrcnn.ops.nd import channels_last, interpolate

OUTPUTS = ("coarse", "parts", "u", "v")


class SurfaceNetwork(nn.Module):
    """(features, boxes) to maps ``[R, S + 3 (P + 1), *M]``, see :func:`maskrcnn.surfaces.reading.split_maps`.

    Args:
        config: of the model; it has a surface head.
        strides: of the pyramid's levels, the last of which is the RPN's own.
    """

    def __init__(self, config: ModelConfig, strides: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        own = config.surface_head
        assert own is not None
        ndim, channels, eps = config.ndim, config.backbone.fpn_channels, config.backbone.norm_eps
        self.levels = len(strides) - 1
        self.decoder = Decoder(ndim, channels, own.decoder, strides[:-1]) if own.decoder else None
        self.pool = PyramidPool(own.pool, [strides[0], strides[-1]] if own.decoder else strides)
        self.atrous = AtrousPyramid(ndim, channels, eps) if own.atrous else None
        widths = [channels] + [own.channels] * own.convs
        self.convs = nn.ModuleList(conv_norm(ndim, a, b, 3, own.norm, eps) for a, b in zip(widths, widths[1:]))
        parts = len(own.surface.parts) + 1
        self.channels = (own.coarse, parts, parts, parts)
        self.outputs = nn.ModuleDict(
            {name: CONV_TRANSPOSE[ndim](widths[-1], count, 4, 2, 1) for name, count in zip(OUTPUTS, self.channels)}
        )
        self.output_size = tuple(2 * own.enlarged * side for side in self.pool.output_size)
        init_he(self)
        for name, layer in self.outputs.items():
            init_normal(layer, 0.001)
            if name in ("u", "v"):
                nn.init.constant_(layer.bias, 0.5)  # type: ignore[arg-type]  # the middle of every part

    def regions(self, boxes: Tensor) -> Tensor:
        """Where the maps of boxes ``[R, 2D]`` lie: over the boxes themselves."""
        return boxes

    def levels_of(self, features: Sequence[Tensor]) -> list[Tensor]:
        """What boxes are pooled from: the pyramid's levels, or the one that the decoder makes of them."""
        levels = list(features[: self.levels])
        return levels if self.decoder is None else [self.decoder(levels)]

    def maps(self, levels: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        """The maps of boxes ``[R_b, 2D]`` of every image, from what :meth:`levels_of` gives."""
        x = channels_last(self.pool(levels, boxes))
        if len(x) == 0:  # norms and interpolation refuse an empty batch
            return x.new_zeros((0, sum(self.channels), *self.output_size)) + x.sum()
        if self.atrous is not None:
            x = channels_last(self.atrous(x))
        for layer in self.convs:
            x = F.relu(layer(x), inplace=True)
        return interpolate(torch.cat([layer(x) for layer in self.outputs.values()], 1), self.output_size)

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        return self.maps(self.levels_of(features), boxes)
