"""The keypoint head: a heatmap over the box for each point of an object (Mask R-CNN, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import KeypointHeadConfig
from maskrcnn.models.nd import CONV_TRANSPOSE, conv3, conv_transpose, init_he, init_normal
from maskrcnn.models.point_head import PointHead
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.ops.keypoints import DECODERS
from maskrcnn.ops.nd import channels_last, interpolate


class KeypointHead(PointHead):
    """(features, boxes) to heatmap logits ``[R, P, *4M]``: over all bins of a heatmap goes one softmax."""

    def __init__(
        self,
        ndim: int,
        channels: int,
        config: KeypointHeadConfig,
        strides: Sequence[tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.pool = PyramidPool(config.pool, strides)
        self.num_keypoints, self.decode = config.num_keypoints, DECODERS[config.decoding]
        self.output_size = tuple(4 * s for s in self.pool.output_size)
        widths = [channels] + [config.channels] * config.convs
        self.convs = nn.ModuleList(conv3(ndim, a, b) for a, b in zip(widths, widths[1:]))
        if config.upsampled_logits:
            self.upsample, self.logits = None, CONV_TRANSPOSE[ndim](widths[-1], config.num_keypoints, 4, 2, 1)
        else:
            self.upsample = conv_transpose(ndim, widths[-1], config.channels, 2)
            self.logits = conv3(ndim, config.channels, config.num_keypoints)
        init_he(self)
        init_normal(self.logits, 0.001)  # every bin begins as likely as the others

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        x = channels_last(self.pool(features, boxes))
        for layer in self.convs:
            x = F.relu(layer(x), inplace=True)
        if self.upsample is not None:
            x = F.relu(self.upsample(x), inplace=True)
        logits: Tensor = self.logits(x)
        if len(logits) == 0:  # interpolation refuses an empty batch
            return logits.new_zeros((0, logits.shape[1], *self.output_size)) + logits.sum()
        return interpolate(logits, self.output_size)
