"""The walk of training: images and targets to losses, the same in ``train()`` and in ``eval()`` mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.losses.box import box_losses
from maskrcnn.losses.keypoint import keypoint_loss
from maskrcnn.losses.mask import mask_loss, mask_targets
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledProposals, sample_anchors, sample_proposals, unknown_sides
from maskrcnn.losses.teacher import Teacher, teacher_loss
from maskrcnn.losses.terms import Term
from maskrcnn.losses.unknown import known_bins
from maskrcnn.models.class_field import FieldReading
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.heads.closeup import CloseUpHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import propose
from maskrcnn.regions import Regions
from maskrcnn.structures import ImageBatch, Instances


class Objective(nn.Module):
    """A model with its losses. DDP and ``torch.compile`` wrap this one."""

    def __init__(self, model: MaskRCNN, teacher: Teacher | None = None) -> None:
        super().__init__()
        self.model = model
        self.teacher = teacher

    def forward(
        self,
        images: ImageBatch,
        targets: Sequence[Instances],
        seeds: Sequence[int],
        searched: Sequence[frozenset[int] | None] | None = None,
    ) -> dict[str, Term]:
        """The losses of a batch.

        Args:
            targets: one an image, boxes in the coordinates of the (resized) input. Images without objects are ordinary.
            seeds: one an image, from which its anchors and proposals are sampled.
            searched: of each image, the classes (1..K) whose objects were all labelled, None for all; where a class was
                not searched for, what looks like one is neither background nor loss.

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
        all_logits, searched = torch.cat(logits, 1), partial(searched or [None] * len(targets), model.config)
        doubtful = [
            None if labels is None else own.detach().sigmoid() > config.unsearched_objectness
            for own, labels in zip(all_logits, searched)
        ]
        anchor_samples = [
            sample_anchors(all_anchors, target, config, generator, doubt)
            for target, generator, doubt in zip(targets, generators, doubtful)
        ]
        losses = rpn_losses(all_logits, torch.cat(deltas, 1), all_anchors, anchor_samples, config)

        proposals = propose(logits, deltas, anchors, images.spatial_shapes, config.train_selection)
        proposals, reading = cast(BoxHead, model.heads["box"]).join(features, proposals, images.spatial_shapes)
        samples = [sample_proposals(p, t, config, g) for p, t, g in zip(proposals, targets, generators)]
        taught = None if self.teacher is None else self.teacher(images)
        return losses | self.head_losses(features, samples, targets, searched, taught, reading)

    def names(self) -> list[str]:
        """The losses that :meth:`forward` gives."""
        extra = [f"loss_{name}" for name in self.model.heads if name != "box"]
        extra += [] if self.teacher is None else ["loss_teacher"]
        return ["loss_rpn_objectness", "loss_rpn_box", "loss_box_class", "loss_box", *extra]

    def head_losses(
        self,
        features: Sequence[Tensor],
        samples: Sequence[SampledProposals],
        targets: Sequence[Instances],
        searched: Sequence[frozenset[int] | None] | None = None,
        taught: tuple[Tensor, Tensor] | None = None,
        reading: FieldReading | None = None,
    ) -> dict[str, Term]:
        """The losses of the heads on given proposals; ``taught``: what the teacher says, if there is one; ``reading``:
        what the class field says, where it is known already."""
        heads, config = self.model.heads, self.model.config.loss
        class_logits, box_deltas = heads["box"](features, [s.boxes for s in samples], reading)
        losses = box_losses(class_logits, box_deltas, samples, targets, config, searched)
        if taught is not None:
            losses |= teacher_loss(class_logits, samples, *taught)
        if "mask" in heads:
            losses |= self._mask_loss(features, samples, targets)
        if "keypoint" in heads:
            losses |= self._keypoint_loss(features, samples, targets)
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
        return mask_loss(
            head(features, boxes), labels, goals, has_mask, _known(regions, boxes, samples, targets, goals)
        )

    def _keypoint_loss(
        self, features: Sequence[Tensor], samples: Sequence[SampledProposals], targets: Sequence[Instances]
    ) -> dict[str, Term]:
        """On the positive proposals of objects with a labelled point; only they go through the head, and where
        ``keypoint_samples`` are fewer, that many of them, evenly apart in their order."""
        head, config = cast(KeypointHead | CloseUpHead, self.model.heads["keypoint"]), self.model.config.loss
        boxes, keypoints = [], []
        for image, target in zip(samples, targets):
            points = _keypoints(target, head.num_keypoints)[image.matched]
            labelled = (points[..., -1] > 0).any(-1).nonzero()[:, 0]
            if config.keypoint_samples is not None and config.keypoint_samples < len(labelled):
                labelled = labelled[torch.arange(config.keypoint_samples) * len(labelled) // config.keypoint_samples]
            boxes.append(image.boxes[: len(image.matched)][labelled])
            keypoints.append(points[labelled])
        regions = head.regions(torch.cat(boxes))
        return keypoint_loss(head(features, boxes), torch.cat(keypoints), regions, config.keypoint_weight)


def partial(searched: Sequence[frozenset[int] | None], config: ModelConfig) -> list[frozenset[int] | None]:
    """As ``searched``, with None where every class is in it."""
    everything = set(range(1, config.num_classes + 1))
    return [None if labels is None or labels >= everything else labels for labels in searched]


def _known(
    regions: Sequence[Regions],
    boxes: Sequence[Tensor],
    samples: Sequence[SampledProposals],
    targets: Sequence[Instances],
    goals: Tensor,
) -> Tensor | None:
    """Which bins of the masks of all positives are known, see :func:`maskrcnn.losses.unknown.known_bins`."""
    sides = [unknown_sides(target, image.matched) for image, target in zip(samples, targets)]
    known = [known_bins(own, where, side, goals.shape[1:]) for own, where, side in zip(regions, boxes, sides)]
    if all(one is None for one in known):
        return None
    whole = [torch.ones((len(own), *goals.shape[1:]), dtype=torch.bool, device=goals.device) for own in boxes]
    return torch.cat([every if one is None else one for one, every in zip(known, whole)])


def _regions(target: Instances) -> Regions:
    ndim = target.boxes.shape[1] // 2
    return Regions.blank((1,) * ndim, len(target)) if target.regions is None else target.regions


def _keypoints(target: Instances, num_keypoints: int) -> Tensor:
    """``[N, P, D + 1]``; not labelled where the image has none."""
    ndim = target.boxes.shape[1] // 2
    blank = target.boxes.new_zeros((len(target), num_keypoints, ndim + 1))
    points = target.keypoints  # of another number are another kind of points, as validation data may have
    return blank if points is None or points.shape != blank.shape else points.to(blank.dtype)
