"""The mask head: a small fully convolutional network that colours each box (Mask R-CNN, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import MaskHeadConfig, ModelConfig
from maskrcnn.losses.mask import known_mask_bins, mask_loss, mask_targets, regions_of
from maskrcnn.losses.terms import Term
from maskrcnn.masks.pasting import paste_to_border
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import LossInputs, ObjectHead, Place
from maskrcnn.models.nd import conv, conv_norm, conv_transpose, init_he, init_normal
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.ops.nd import channels_last
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances


class MaskHead(ObjectHead):
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
        logits: Tensor = self.logits(F.relu(self.upsample(x), inplace=True))
        return logits

    def attach(self, logits: Tensor, detections: list[Instances]) -> None:
        """Give each detection the mask of its own class."""
        for own, found in zip(logits.split([len(d) for d in detections]), detections):
            found.mask_logits = select_class(own, found.labels)

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """On the positive proposals only; an object without a mask (a box alone was labelled) does not count."""
        samples, targets = inputs.samples, inputs.targets
        boxes = [image.boxes[: len(image.matched)] for image in samples]
        regions = [regions_of(target)[image.matched] for target, image in zip(targets, samples)]
        labels = torch.cat([image.labels[: len(image.matched)] for image in samples])
        has_mask = torch.cat([torch.from_numpy(image.areas() > 0) for image in regions]).to(labels.device)
        bin_targets = mask_targets(regions, boxes, self.output_size, inputs.config)
        known = known_mask_bins(regions, boxes, samples, targets, bin_targets)
        return mask_loss(self(inputs.features, boxes), labels, bin_targets, has_mask, known)

    def class_layers(self, config: ModelConfig) -> dict[str, tuple[int, int]]:
        return {} if self.class_agnostic else {"logits": (0, 1)}

    def to_file(self, found: Instances, place: Place) -> None:
        """Masks over boxes become regions of the file."""
        if found.mask_logits is not None:
            masks = found.mask_logits.float().sigmoid()
            found.regions = paste_to_border(masks, found.boxes, place.spatial_shape, place.mask_threshold)
            found.mask_logits = None

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        found.mask_logits = None if found.mask_logits is None else found.mask_logits.flip(-1)

    def average(self, looks: Sequence[Instances]) -> None:
        """As probabilities."""
        masks = [look.mask_logits.sigmoid() for look in looks if look.mask_logits is not None]
        if len(masks) == len(looks):
            looks[0].mask_logits = torch.logit(sum(masks[1:], masks[0]) / len(masks), 1e-6)


def select_class(logits: Tensor, labels: Tensor) -> Tensor:
    """Each object's own mask ``[N, *M]`` from ``[N, K or 1, *M]`` and labels ``[N]``, 1..K."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    return logits[torch.arange(len(logits), device=logits.device), labels - 1]
