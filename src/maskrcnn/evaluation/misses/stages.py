"""Finds the stage at which a missed object was lost.

The walk of ``MaskRCNN.find`` again, keeping what each step threw away.

An object is covered by a step if one of the boxes that the step made overlaps its own by an IoU of 0.5 or more. Each
step but two only takes boxes away from the one before, so an object was lost in the step after the last that covers it.
Masks are not drawn again: whether a box that survived everything has a bad mask is seen from the detections.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from maskrcnn.config import DetectionConfig
from maskrcnn.evaluation.misses.matching import FOREGROUND
from maskrcnn.models.heads import box as box_head
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import rank
from maskrcnn.models.rpn import suppress as suppress_proposals
from maskrcnn.ops.boxes import clip_boxes, pairwise_iou
from maskrcnn.ops.nd import full
from maskrcnn.structures import ImageBatch, Instances

# The causes in the order of the walk. "unknown class": the model has no such class; "joined": a box of the right class,
# place and mask was there, but it was taken by another object or lost when tiles or views of an image were made one.
CAUSES = (
    "unknown class",
    "anchor",
    "rpn box",
    "rank",
    "proposal nms",
    "box",
    "score",
    "nms",
    "cap",
    "mask",
    "joined",
)
SURVIVED = CAUSES.index("mask")  # the boxes covered the object to the end


@dataclass(frozen=True)
class Stages:
    """What each step made of one image, boxes ``[..., 2D]`` in coordinates of the network's input.

    Attributes:
        anchors: of all levels.
        decoded: the RPN's box of every anchor.
        ranked: those of the best ``pre_nms`` anchors of each level.
        apart: what proposal suppression left of them.
        proposals: the best ``post_nms`` of these.
        scores: the box head's ``[P, K]`` of the proposals.
        deltas: ``[P, K or 1, 2D]``.
        spatial_shape: of the image, before padding.
    """

    anchors: Tensor
    decoded: Tensor
    ranked: Tensor
    apart: Tensor
    proposals: Tensor
    scores: Tensor
    deltas: Tensor
    spatial_shape: tuple[int, ...]

    def refined(self, label: int, config: DetectionConfig) -> Instances:
        """The second stage's box of every proposal as the class ``label`` that scores more than the threshold."""
        column = slice(label - 1, label)
        deltas = self.deltas[:, column] if self.deltas.shape[1] > 1 else self.deltas
        return box_head.refine(self.scores[:, column], deltas, self.proposals, self.spatial_shape, config)

    def kept(self, config: DetectionConfig) -> Instances:
        """What the final suppression leaves of all classes, best first, before the cap."""
        found = box_head.refine(self.scores, self.deltas, self.proposals, self.spatial_shape, config)
        return box_head.suppress(found, config)


@torch.inference_mode()
def walk(model: MaskRCNN, images: ImageBatch) -> list[Stages]:
    """The stages of each image."""
    features, shapes, config = model.backbone(images.tensor), images.spatial_shapes, model.config.selection
    anchors = model.rpn.anchors(features, images.tensor.shape[2:])
    logits, deltas = model.rpn(features)
    _, decoded, _ = rank(logits, deltas, anchors, max(map(len, anchors)))
    scores, ranked, groups = rank(logits, deltas, anchors, config.pre_nms)
    apart = [suppress_proposals(b, s, groups, shape, config) for b, s, shape in zip(ranked, scores, shapes)]
    proposals = [boxes[: config.post_nms] for boxes in apart]
    # The class field's own boxes pass every step before.
    own, reading = model.box_head.join(features, [p[:0] for p in proposals], shapes)
    proposals, apart = ([torch.cat(pair) for pair in zip(boxes, own)] for boxes in (proposals, apart))
    class_logits, box_deltas = model.box_head(features, proposals, reading)
    counts = [len(p) for p in proposals]
    columns = zip(
        (clip_boxes(d, shape) for d, shape in zip(decoded, shapes)),
        (clip_boxes(r, shape) for r, shape in zip(ranked, shapes)),
        apart,
        proposals,
        full(class_logits).softmax(-1)[:, 1:].split(counts),
        full(box_deltas).split(counts),
        shapes,
    )
    return [Stages(torch.cat(anchors), *image) for image in columns]


@dataclass(frozen=True)
class Fate:
    """What became of one object.

    Attributes:
        cause: index of :data:`CAUSES`; :data:`SURVIVED` where the boxes covered it to the end.
        score: the best score of its class among boxes that cover it, 0 where none does.
    """

    cause: int
    score: float


def fates(
    stages: Stages, boxes: Tensor, labels: Sequence[int], config: DetectionConfig, anchor_iou: float
) -> list[Fate]:
    """What became of each object.

    Args:
        stages: what each step of the model kept and threw away.
        boxes: ``[G, 2D]``, in coordinates of the network's input.
        labels: the model's own, 1..K.
        config: with the score from which a detection is shown.
        anchor_iou: an anchor is near an object from this IoU on.

    Returns:
        A fate for each object.
    """
    survivors = stages.kept(config)
    causes = [_first_stage(stages, own[None], anchor_iou) for own in boxes]
    return [_second_stage(stages, survivors, *o, config) for o in zip(boxes, labels, causes)]


def _first_stage(stages: Stages, box: Tensor, anchor_iou: float) -> str:
    """Where no proposal covers the object, why; otherwise the cause that the second stage begins with, "box"."""
    if _best(box, stages.proposals) >= FOREGROUND:
        return "box"
    if _best(box, stages.apart) >= FOREGROUND:
        return "rank"
    if _best(box, stages.ranked) >= FOREGROUND:
        return "proposal nms"
    if _best(box, stages.decoded) >= FOREGROUND:
        return "rank"
    return "rpn box" if _best(box, stages.anchors) >= anchor_iou else "anchor"


def _second_stage(
    stages: Stages, survivors: Instances, box: Tensor, label: int, cause: str, config: DetectionConfig
) -> Fate:
    """The box head may move a box onto the object that did not cover it before: the furthest step counts."""
    anything = stages.refined(label, dataclasses.replace(config, score_threshold=-1.0))
    covering = anything[_iou(box[None], anything.boxes) >= FOREGROUND]
    if len(covering) == 0:
        return Fate(CAUSES.index(cause), 0.0)
    best = float(covering.scores.max())
    hits = ((_iou(box[None], survivors.boxes) >= FOREGROUND) & (survivors.labels == label)).nonzero()
    if best <= config.score_threshold:
        return Fate(CAUSES.index("score"), best)
    if len(hits) == 0:
        return Fate(CAUSES.index("nms"), best)
    return Fate(CAUSES.index("cap") if int(hits[0]) >= config.max_detections else SURVIVED, best)


def _iou(box: Tensor, boxes: Tensor) -> Tensor:
    return pairwise_iou(box, boxes)[0]


def _best(box: Tensor, boxes: Tensor) -> float:
    return float(_iou(box, boxes).max()) if len(boxes) else 0.0
