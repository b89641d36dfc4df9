"""The mask head: a small fully convolutional network that colours each box (Mask R-CNN, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import MaskHeadConfig
from maskrcnn.models.nd import conv, conv_norm, conv_transpose, init_he, init_normal
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.ops.nd import channels_last
from maskrcnn.structures import Instances


class MaskHead(nn.Module):
    """(features, boxes) to mask logits ``[R, K or 1, *2M]``: one sigmoid a class, so classes do not compete.

    Args:
        norm_eps: under the root of the norms, where the config has any.
    """

    def __init__(
        self,
        ndim: int,
        channels: int,
        num_classes: int,
        config: MaskHeadConfig,
        strides: Sequence[tuple[int, ...]],
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.pool = PyramidPool(config.pool, strides)
        self.class_agnostic = config.class_agnostic
        self.output_size = tuple(2 * s for s in self.pool.output_size)
        widths = [channels] + [config.channels] * config.convs
        self.convs = nn.ModuleList(conv_norm(ndim, a, b, 3, config.norm, norm_eps) for a, b in zip(widths, widths[1:]))
        self.upsample = conv_transpose(ndim, widths[-1], config.channels, 2)
        self.logits = conv(ndim, config.channels, 1 if config.class_agnostic else num_classes, 1)
        init_he(self)
        # Not near 0 as in the references: features are not negative and most bins of most masks are background, so all
        # weights would turn negative first, and what is inside would stay undecided for long.
        init_normal(self.logits, config.channels**-0.5)

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        x = channels_last(self.pool(features, boxes))
        for layer in self.convs:
            x = F.relu(layer(x), inplace=True)
        return self.logits(F.relu(self.upsample(x), inplace=True))

    def attach(self, logits: Tensor, detections: list[Instances]) -> None:
        """Give each detection the mask of its own class."""
        for own, found in zip(logits.split([len(d) for d in detections]), detections):
            found.mask_logits = select_class(own, found.labels)


def select_class(logits: Tensor, labels: Tensor | None) -> Tensor:
    """Each object's own mask ``[N, *M]`` from ``[N, K or 1, *M]`` and labels ``[N]``, 1..K."""
    if logits.shape[1] == 1 or labels is None:
        return logits[:, 0]
    return logits[torch.arange(len(logits), device=logits.device), labels - 1]
