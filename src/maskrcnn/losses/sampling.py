"""Anchors and proposals against the labelled objects: who answers for what, and who is looked at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from maskrcnn.config import LossConfig
from maskrcnn.ops.boxes import pairwise_coverage
from maskrcnn.ops.matching import BELOW, match_boxes, sample
from maskrcnn.structures import Instances


class SampledAnchors(NamedTuple):
    """Of one image: indices into its anchors (all levels in a row)."""

    positive: Tensor  # int64 [P]
    negative: Tensor  # int64 [N]
    boxes: Tensor  # [P, 2D]: the labelled box of each positive
    unknown: Tensor | None = None  # bool [P, 2D]: its sides that nobody labelled; None: there are none


class SampledProposals(NamedTuple):
    """Of one image: positives first, then background."""

    boxes: Tensor  # [R, 2D]
    labels: Tensor  # int64 [R], 0 for background, OTHER for an object of no class of the model
    matched: Tensor  # int64 [P]: index of the object, for the positives alone


def sample_anchors(
    anchors: Tensor,
    target: Instances,
    config: LossConfig,
    generator: torch.Generator,
    maybe_unlabelled: Tensor | None = None,
) -> SampledAnchors:
    """Sample anchors for the RPN's loss (Faster R-CNN, section 3.1.2).

    Args:
        anchors: ``[A, 2D]``.
        target: the ground truth of the image.
        config: how many are sampled, and which count as positive and negative.
        generator: what is drawn comes from.
        maybe_unlabelled: bool ``[A]``: never a negative, since it may be an object that nobody
            was asked to label; None: nowhere.

    Returns:
        The sampled anchors and the object of each positive one.
    """
    objects, crowd = split_crowd(target)
    matched = match_boxes(
        target.boxes[objects], anchors, config.rpn_positive_iou, config.rpn_negative_iou, keep_best=True
    )
    negative = (matched == BELOW) & ~_in_crowd(anchors, crowd, config)
    if maybe_unlabelled is not None:
        negative &= ~maybe_unlabelled
    picked = sample(matched >= 0, negative, config.rpn_samples, config.rpn_positive_fraction, generator)
    owner = objects[matched[picked[0]]]
    return SampledAnchors(*picked, target.boxes[owner], unknown_sides(target, owner))


def nothing_sampled(target: Instances) -> SampledProposals:
    """The sample of an image in which no objects are looked for."""
    return SampledProposals(target.boxes[:0], target.labels[:0], target.labels[:0])


def sample_proposals(
    proposals: Tensor, target: Instances, config: LossConfig, generator: torch.Generator
) -> SampledProposals:
    """Sample proposals, and the labelled boxes themselves, for the losses of the heads (Fast R-CNN,
    section 2.3).

    Args:
        proposals: ``[P, 2D]``.
        target: the ground truth of the image.
        config: how many are sampled, and which count as positive.
        generator: what is drawn comes from.

    Returns:
        The sampled boxes and the object of each.
    """
    objects, crowd = split_crowd(target)
    boxes = torch.cat([proposals, target.boxes[objects]])
    matched = match_boxes(target.boxes[objects], boxes, config.box_positive_iou, config.box_positive_iou)
    negative = (matched == BELOW) & ~_in_crowd(boxes, crowd, config)
    picked = sample(matched >= 0, negative, config.box_samples, config.box_positive_fraction, generator)
    owner = objects[matched[picked[0]]]
    labels = torch.cat([target.labels[owner], target.labels.new_zeros(len(picked[1]))])
    return SampledProposals(boxes[torch.cat(picked)], labels, owner)


def unknown_sides(target: Instances, index: Tensor) -> Tensor | None:
    """Bool ``[len(index), 2D]`` of the objects at ``index``; None where every side of every object is known."""
    unknown = target.unknown_sides
    return None if unknown is None else unknown.to(target.boxes.device)[index]


def split_crowd(target: Instances) -> tuple[Tensor, Tensor]:
    """Indices of the objects that can be told apart and have an extent, and the boxes ``[N, 2D]`` of crowd regions."""
    crowd = target.crowd.to(target.boxes.device)
    low, high = target.boxes.chunk(2, -1)
    return (~crowd & (high > low).all(-1)).nonzero().squeeze(1), target.boxes[crowd]


def _in_crowd(boxes: Tensor, crowd: Tensor, config: LossConfig) -> Tensor:
    """Bool ``[N]``: mostly inside a crowd region, so neither object nor background can be said of it."""
    inside = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    for region in crowd:  # one at a time: there are few, and boxes may be a million
        inside |= pairwise_coverage(boxes, region[None])[:, 0] >= config.crowd_coverage
    return inside
