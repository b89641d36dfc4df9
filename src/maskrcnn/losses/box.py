"""The box head's two losses (Fast R-CNN, equation 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import LossConfig
from maskrcnn.losses.sampling import SampledProposals, unknown_sides
from maskrcnn.losses.terms import Term, smooth_l1
from maskrcnn.losses.unknown import as_far_as_known, through_known
from maskrcnn.ops.box_coding import decode_boxes, default_weights, encode_boxes
from maskrcnn.ops.boxes import generalized_iou
from maskrcnn.ops.nd import full
from maskrcnn.structures import OTHER, Instances


def box_losses(
    logits: Tensor,
    deltas: Tensor,
    sampled: Sequence[SampledProposals],
    targets: Sequence[Instances],
    config: LossConfig,
    exhaustive: Sequence[frozenset[int] | None] | None = None,
) -> dict[str, Term]:
    """The box head's losses: class over all sampled proposals, box over the positive ones, counted
    by all sampled ones.

    An object of the label ``OTHER`` says nothing of classes, and of boxes only where they are the
    same for all classes.

    Args:
        logits: ``[R, K + 1]``, the sampled proposals of all images in a row.
        deltas: ``[R, K or 1, 2D]``.
        sampled: of each image, its proposals.
        targets: of each image, its ground truth.
        config: weights and kinds of the losses.
        exhaustive: of each image, the classes whose objects were all labelled; None: every class.

    Returns:
        ``loss_box_class`` and ``loss_box``, each a sum and a count.
    """
    labels = torch.cat([image.labels for image in sampled])
    named = labels > OTHER
    unsearched = unsearched_classes(exhaustive, [len(image.labels) for image in sampled], logits)
    class_loss = class_loss_sum(full(logits)[named], labels[named], None if unsearched is None else unsearched[named])
    proposals = torch.cat([image.boxes for image in sampled])
    positive = (labels != 0).nonzero().squeeze(1)
    boxes = torch.cat([target.boxes[image.matched] for image, target in zip(sampled, targets)])
    unknown = sides_of(sampled, targets)
    if deltas.shape[1] > 1:
        of_a_class = labels[positive] > 0
        boxes, positive = boxes[of_a_class], positive[of_a_class]
        unknown = None if unknown is None else unknown[of_a_class]
    column = labels[positive] - 1 if deltas.shape[1] > 1 else torch.zeros_like(positive)
    own, starts = full(deltas[positive, column]), proposals[positive]
    weights = default_weights(boxes.shape[1] // 2)
    boxes = as_far_as_known(boxes, unknown, own, starts, weights)
    box_loss = box_loss_sum(through_known(own, starts, unknown, weights), boxes, starts, config)
    return {"loss_box_class": Term(class_loss, len(labels)), "loss_box": Term(box_loss, len(labels))}


def sides_of(sampled: Sequence[SampledProposals], targets: Sequence[Instances]) -> Tensor | None:
    """Bool ``[P, 2D]``: the sides that nobody labelled of the objects of all positives; None where all are known."""
    if all(target.unknown_sides is None for target in targets):
        return None
    rows = [unknown_sides(target, image.matched) for image, target in zip(sampled, targets)]
    known = [torch.zeros((len(image.matched), image.boxes.shape[1]), dtype=torch.bool) for image in sampled]
    device = sampled[0].boxes.device
    return torch.cat([(k if row is None else row).to(device) for row, k in zip(rows, known)])


def unsearched_classes(
    exhaustive: Sequence[frozenset[int] | None] | None, counts: Sequence[int], logits: Tensor
) -> Tensor | None:
    """Which classes an image may hold unlabelled objects of, for each of its proposals.

    Args:
        exhaustive: of each image, the classes whose objects were all labelled; None: every class.
        counts: of each image, its proposals.
        logits: ``[R, K + 1]``, for their device and number of classes.

    Returns:
        bool ``[R, K + 1]``; None: none at all.
    """
    if exhaustive is None or all(labels is None for labels in exhaustive):
        return None
    rows = torch.zeros((len(exhaustive), logits.shape[1]), dtype=torch.bool)
    for row, labels in zip(rows, exhaustive):
        if labels is not None:
            row[1:] = True
            row[sorted(labels)] = False
    return rows.repeat_interleave(torch.tensor(counts), dim=0).to(logits.device)


def class_loss_sum(logits: Tensor, labels: Tensor, unsearched: Tensor | None) -> Tensor:
    """Cross-entropy over classes; a proposal without an object is background *or* an object of a
    class that nobody searched for.

    The probability of either is that of their sum, so that a proposal which the model takes for
    such a class costs nothing, and no such class is ever pushed down by an object that nobody
    labelled.

    Args:
        logits: ``[R, K + 1]``.
        labels: int64 ``[R]``, 0 for background.
        unsearched: bool ``[R, K + 1]``, see :func:`unsearched_classes`; None: none.

    Returns:
        The sum over proposals.
    """
    if unsearched is None:
        return F.cross_entropy(logits, labels, reduction="sum")
    answer = F.one_hot(labels, logits.shape[1]).bool() | (unsearched & (labels == 0)[:, None])
    return (logits.logsumexp(1) - logits.masked_fill(~answer, -torch.inf).logsumexp(1)).sum()


def box_loss_sum(deltas: Tensor, boxes: Tensor, proposals: Tensor, config: LossConfig) -> Tensor:
    """How far decoded boxes are from the boxes that they should be.

    Args:
        deltas: ``[P, 2D]``, of the model.
        boxes: ``[P, 2D]``, of the ground truth.
        proposals: ``[P, 2D]``, that the deltas are coded from.
        config: says what is compared: deltas or overlap.

    Returns:
        The sum over proposals.

    Raises:
        ValueError: an unknown ``config.box_loss``.
    """
    weights = default_weights(boxes.shape[1] // 2)
    if config.box_loss == "smooth_l1":
        return smooth_l1(deltas, encode_boxes(boxes, proposals, weights), config.box_smooth_l1_beta)
    if config.box_loss == "giou":
        return config.giou_weight * (1 - generalized_iou(decode_boxes(deltas, proposals, weights), boxes)).sum()
    raise ValueError(f"unknown box_loss {config.box_loss!r}: smooth_l1 or giou")
