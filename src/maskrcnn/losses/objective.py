"""The walk of training: images and targets to losses, the same in ``train()`` and in ``eval()`` mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from maskrcnn.losses.box import box_losses
from maskrcnn.losses.mask import mask_loss, mask_targets
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledProposals, sample_anchors, sample_proposals
from maskrcnn.losses.terms import Term
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import propose
from maskrcnn.regions import Regions
from maskrcnn.structures import ImageBatch, Instances


class Objective(nn.Module):
    """A model with its losses. DDP and ``torch.compile`` wrap this one."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: ImageBatch, targets: Sequence[Instances], seeds: Sequence[int]) -> dict[str, Term]:
        """The losses of a batch.

        Args:
            targets: one an image, boxes in the coordinates of the (resized) input. Images without objects are ordinary.
            seeds: one an image, from which its anchors and proposals are sampled.

        Returns:
            ``loss_rpn_objectness``, ``loss_rpn_box``, ``loss_box_class``, ``loss_box``, and ``loss_mask`` where there
            is a mask head.
        """
        model, config = self.model, self.model.config.loss
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        features = model.backbone(images.tensor)
        anchors = model.rpn.anchors(features, images.tensor.shape[2:])
        logits, deltas = model.rpn(features)

        all_anchors = torch.cat(anchors)
        anchor_samples = [sample_anchors(all_anchors, t, config, g) for t, g in zip(targets, generators)]
        losses = rpn_losses(torch.cat(logits, 1), torch.cat(deltas, 1), all_anchors, anchor_samples, config)

        proposals = propose(logits, deltas, anchors, images.spatial_shapes, config.train_selection)
        samples = [sample_proposals(p, t, config, g) for p, t, g in zip(proposals, targets, generators)]
        return losses | self.head_losses(features, samples, targets)

    def head_losses(
        self, features: Sequence[Tensor], samples: Sequence[SampledProposals], targets: Sequence[Instances]
    ) -> dict[str, Term]:
        """The losses of the heads on given proposals."""
        heads, config = self.model.heads, self.model.config.loss
        class_logits, box_deltas = heads["box"](features, [s.boxes for s in samples])
        losses = box_losses(class_logits, box_deltas, samples, targets, config)
        if "mask" in heads:
            losses |= self._mask_loss(features, samples, targets)
        return losses

    def _mask_loss(
        self, features: Sequence[Tensor], samples: Sequence[SampledProposals], targets: Sequence[Instances]
    ) -> dict[str, Term]:
        """On the positive proposals only; an object without a mask (a box alone was labelled) does not count."""
        head, config = cast(MaskHead, self.model.heads["mask"]), self.model.config.loss
        boxes = [image.boxes[: len(image.matched)] for image in samples]
        regions = [_regions(target)[image.matched] for target, image in zip(targets, samples)]
        labels = torch.cat([image.labels[: len(image.matched)] for image in samples])
        has_mask = torch.cat([torch.from_numpy(image.areas() > 0) for image in regions]).to(labels.device)
        goals = mask_targets(regions, boxes, head.output_size, config)
        return mask_loss(head(features, boxes), labels, goals, has_mask)


def _regions(target: Instances) -> Regions:
    ndim = target.boxes.shape[1] // 2
    return Regions.blank((1,) * ndim, len(target)) if target.regions is None else target.regions
