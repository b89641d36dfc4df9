"""Test-time flip: a model looks at an image and at its mirror image, and both views are made one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.data.geometry import flip_map
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nms import grouped_nms
from maskrcnn.structures import ImageBatch, Instances

VIEWS = 2
X = 0  # the mirrored axis


def detect_mirrored(
    model: MaskRCNN, images: ImageBatch, mirrored_keypoints: Sequence[int] | None = None
) -> list[Instances]:
    """As ``model(images)``, from two views of each image.

    Objects of one class that overlap by the threshold of the model's suppression are one: its box is the mean of the
    views' boxes, weighted by score, its score their mean (a view that does not see it says 0). Masks and keypoints are
    then read in both views over that box and averaged, masks as probabilities.

    Args:
        images: of one shape each, without padding along x that differs; every image is mirrored within its own extent.
        mirrored_keypoints: for each keypoint the one it becomes in a mirror image, see
            :func:`maskrcnn.data.transforms.mirror_keypoints`.
    """
    configured = model.config
    lower = dataclasses.replace(configured.detection, score_threshold=configured.detection.score_threshold / VIEWS)
    mirror = ImageBatch(mirror_tensor(images), images.spatial_shapes)
    views = [model.backbone(images.tensor), model.backbone(mirror.tensor)]
    try:
        model.config = dataclasses.replace(configured, detection=lower)
        own, other = model.find(views[0], images), model.find(views[1], mirror)
    finally:
        model.config = configured
    shapes, detection = images.spatial_shapes, configured.detection
    fused = [fuse(a, mirrored(b, shape), detection.nms_threshold) for a, b, shape in zip(own, other, shapes)]
    fused = [found[_scores(found) > detection.score_threshold][: detection.max_detections] for found in fused]
    seen = [mirrored(found, shape) for found, shape in zip(fused, shapes)]
    model.describe(views[0], fused)
    model.describe(views[1], seen)
    for found, again, shape in zip(fused, seen, shapes):
        average(found, mirrored(again, shape, mirrored_keypoints))
    return fused


def mirror_tensor(images: ImageBatch) -> Tensor:
    """``[B, C, *S]`` with each image mirrored along x where it is; the padding stays at the high end."""
    tensor = images.tensor.clone()
    for row, shape in zip(tensor, images.spatial_shapes):
        row[..., : shape[-1]] = row[..., : shape[-1]].flip(-1)
    return tensor


def mirrored(
    found: Instances, spatial_shape: Sequence[int], mirrored_keypoints: Sequence[int] | None = None
) -> Instances:
    """Objects as they are in the mirror image."""
    across = flip_map(spatial_shape, (X,))
    keypoints, masks = found.keypoints, found.mask_logits
    if keypoints is not None:
        keypoints = torch.cat([across.points(keypoints[..., :-1]), keypoints[..., -1:]], -1)
        keypoints = keypoints if mirrored_keypoints is None else keypoints[:, list(mirrored_keypoints)]
    masks = None if masks is None else masks.flip(-1)
    return dataclasses.replace(found, boxes=across.boxes(found.boxes), keypoints=keypoints, mask_logits=masks)


def fuse(a: Instances, b: Instances, iou_threshold: float) -> Instances:
    """The objects of two views of one image as one list, best score first (weighted box fusion, Solovyev et al. 2021).

    An object of one view takes at most one of the other.
    """
    boxes = torch.cat([a.boxes, b.boxes])
    labels, scores = torch.cat([_labels(a), _labels(b)]), torch.cat([_scores(a), _scores(b)])
    view = torch.arange(len(boxes), device=boxes.device) >= len(a)
    kept = grouped_nms(boxes, scores, labels, iou_threshold)
    iou = pairwise_iou(boxes[kept], boxes)
    partner = (iou > iou_threshold) & (labels[kept][:, None] == labels) & (view[kept][:, None] != view)
    # of the other view's objects that overlap, the one that overlaps most
    overlap, best = iou.masked_fill(~partner, 0).max(1) if len(boxes) else (scores, scores.long())
    weight = scores[best] * (overlap > 0)
    own = scores[kept]
    fused = (boxes[kept] * own[:, None] + boxes[best] * weight[:, None]) / (own + weight)[:, None]
    order = (own + weight).argsort(descending=True, stable=True)
    return Instances(fused[order], labels[kept][order], (own + weight)[order] / VIEWS)


def average(found: Instances, again: Instances) -> None:
    """Give ``found`` the mean of what two views say of the same boxes."""
    if found.mask_logits is not None and again.mask_logits is not None:
        found.mask_logits = torch.logit((found.mask_logits.sigmoid() + again.mask_logits.sigmoid()) / VIEWS, 1e-6)
    if found.keypoints is not None and again.keypoints is not None:
        found.keypoints = (found.keypoints + again.keypoints) / VIEWS


def _labels(found: Instances) -> Tensor:
    assert found.labels is not None
    return found.labels


def _scores(found: Instances) -> Tensor:
    assert found.scores is not None
    return found.scores
