"""The walk of training: images and targets to losses, the same in ``train()`` and in ``eval()`` mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledProposals, nothing_sampled, sample_anchors, sample_proposals
from maskrcnn.losses.teacher import Teacher
from maskrcnn.losses.terms import Term
from maskrcnn.models.head import Head, LossInputs, heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import propose
from maskrcnn.structures import ImageBatch, Instances

RPN_LOSSES = ("loss_rpn_objectness", "loss_rpn_box")


class Objective(nn.Module):
    """A model with its losses: the RPN's own, and those that each head says are its own."""

    def __init__(self, model: MaskRCNN, teacher: Teacher | None = None) -> None:
        super().__init__()
        self.model = model
        self.teacher = teacher

    def forward(
        self,
        images: ImageBatch,
        targets: Sequence[Instances],
        seeds: Sequence[int],
        exhaustive: Sequence[frozenset[int] | None] | None = None,
    ) -> dict[str, Term]:
        """The losses of a batch.

        Args:
            images: of B images, ``[B, C, *S]``, resized, with the extent of each.
            targets: one an image, boxes in the coordinates of the (resized) input. Images without objects are ordinary.
            seeds: one an image, from which its anchors and proposals are sampled.
            exhaustive: of each image, the classes (1..K) whose objects were all labelled, None for
                all; what looks like another class is neither background nor loss.

        Returns:
            The losses of :meth:`names`, each a sum and a count.
        """
        model, config = self.model, self.model.config.loss
        features = model.backbone(images.tensor)
        exhaustive = partial(exhaustive or [None] * len(targets), model.config)
        if not model.finds_objects:
            none = [nothing_sampled(target) for target in targets]
            return self.head_losses(features, none, targets, exhaustive, None, None, images)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        anchors = model.rpn.anchors(features, images.tensor.shape[2:])
        logits, deltas = model.rpn(features)

        all_anchors = torch.cat(anchors)
        all_logits = torch.cat(logits, 1)
        maybe_unlabelled = [
            None if labels is None else own.detach().sigmoid() > config.unsearched_objectness
            for own, labels in zip(all_logits, exhaustive)
        ]
        anchor_samples = [
            sample_anchors(all_anchors, target, config, generator, unlabelled)
            for target, generator, unlabelled in zip(targets, generators, maybe_unlabelled)
        ]
        losses = rpn_losses(all_logits, torch.cat(deltas, 1), all_anchors, anchor_samples, config)

        proposals = propose(logits, deltas, anchors, images.spatial_shapes, config.train_selection)
        proposals, reading = model.box_head.join(features, proposals, images.spatial_shapes)
        samples = [sample_proposals(p, t, config, g) for p, t, g in zip(proposals, targets, generators)]
        teacher_output = None if self.teacher is None else self.teacher(images)
        return losses | self.head_losses(features, samples, targets, exhaustive, teacher_output, reading, images)

    def names(self) -> list[str]:
        """The losses that :meth:`forward` gives."""
        of_heads = [name for head in heads_of(self.model).values() for name in head.loss_names()]
        if not self.model.finds_objects:
            return of_heads
        return [*RPN_LOSSES, *of_heads, *([] if self.teacher is None else ["loss_teacher"])]

    def head_losses(
        self,
        features: Sequence[Tensor],
        samples: Sequence[SampledProposals],
        targets: Sequence[Instances],
        exhaustive: Sequence[frozenset[int] | None] | None = None,
        teacher_output: tuple[Tensor, Tensor] | None = None,
        reading: Any = None,
        images: ImageBatch | None = None,
    ) -> dict[str, Term]:
        """The losses of the heads on given proposals, see :class:`maskrcnn.models.head.LossInputs`.

        Args:
            features: levels ``[B, C, *S / stride]``, finest first, and what else the backbone
                gives.
            samples: of each image, the proposals that were sampled: positives first, then
                background.
            targets: of each image, its ground truth in the coordinates of the network's input.
            exhaustive: of each image, the classes (1..K) whose objects were all labelled, None for
                all.
            teacher_output: of a teacher, see :class:`maskrcnn.losses.teacher.Teacher`; None: no
                teacher.
            reading: what the box head has read of the features already.
            images: that the features were made of; None where these were given by themselves.

        Returns:
            The losses of each head's ``loss_names``, each a sum and a count.
        """
        config = self.model.config.loss
        inputs = LossInputs(features, images, samples, targets, config, exhaustive, teacher_output, reading)
        losses: dict[str, Term] = {}
        before: list[Head] = []

        @torch.no_grad()
        def earlier(found: list[Instances]) -> None:
            assert images is not None
            for head in before:
                head.describe(features, images, found)

        inputs = replace(inputs, earlier=earlier)
        for head in heads_of(self.model).values():
            losses |= head.losses(inputs)
            before.append(head)
        return losses


def partial(exhaustive: Sequence[frozenset[int] | None], config: ModelConfig) -> list[frozenset[int] | None]:
    """As ``exhaustive``, with None where every class is in it."""
    everything = set(range(1, config.num_classes + 1))
    return [None if labels is None or labels >= everything else labels for labels in exhaustive]
