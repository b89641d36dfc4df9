"""Test-time flip: a model looks at an image and at its mirror image, and both views are made one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from maskrcnn.config import DetectionConfig
from maskrcnn.data.transforms.geometry import flip_map
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import Head, heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nms import grouped_nms
from maskrcnn.structures import ImageBatch, Instances

VIEWS = 2
X = 0  # the mirrored axis


def detect_mirrored(
    model: MaskRCNN, images: ImageBatch, info: ModelInfo, detection: DetectionConfig
) -> list[Instances]:
    """As ``model(images, detection)``, from two views of each image.

    Objects of one class that overlap by the threshold of the model's suppression are one: its box is the mean of the
    views' boxes, weighted by score, its score their mean (a view that does not see it says 0). What further heads say
    is then read in both views over that box and averaged.

    Args:
        model: in evaluation mode.
        images: of one shape each, without padding along x that differs; every image is mirrored
            within its own extent.
        info: of the model.
        detection: which boxes are kept.

    Returns:
        Of each image its objects.
    """
    lower = dataclasses.replace(detection, score_threshold=detection.score_threshold / VIEWS)
    mirror = mirror_batch(images)
    views = [model.backbone(images.tensor), model.backbone(mirror.tensor)]
    own, other = model.find(views[0], images, lower), model.find(views[1], mirror, lower)
    pairs = zip(own, other, images.spatial_shapes)
    fused = [fuse(a, mirrored(b, shape), detection.nms_threshold) for a, b, shape in pairs]
    fused = [found[found.scores > detection.score_threshold][: detection.max_detections] for found in fused]
    model.describe(views[0], images, fused)
    _describe_again(model, views[1], mirror, fused, info)
    return fused


def describe_mirrored(model: MaskRCNN, images: ImageBatch, described: list[Instances], info: ModelInfo) -> None:
    """Average what the heads have said of given objects with what they say of them in the mirror
    images.

    Args:
        model: in evaluation mode.
        images: as the network sees them.
        described: of each image its objects; they are changed.
        info: of the model.
    """
    mirror = mirror_batch(images)
    _describe_again(model, model.backbone(mirror.tensor), mirror, described, info)


def _describe_again(
    model: MaskRCNN, features: Sequence[Tensor], mirror: ImageBatch, described: list[Instances], info: ModelInfo
) -> None:
    bare = (Instances(found.boxes, found.labels, found.scores) for found in described)
    seen = [mirrored(found, shape) for found, shape in zip(bare, mirror.spatial_shapes)]
    model.describe(features, mirror, seen)
    heads = heads_of(model)
    for found, again, shape in zip(described, seen, mirror.spatial_shapes):
        back = mirrored(again, shape, heads, info)
        for head in heads.values():
            head.average([found, back])


def mirror_batch(images: ImageBatch) -> ImageBatch:
    """The mirror images, and what they would have been made from."""
    sources = images.sources
    if sources is not None:
        sources = [source.mirrored(shape[-1]) for source, shape in zip(sources, images.spatial_shapes)]
    return ImageBatch(mirror_tensor(images), images.spatial_shapes, sources)


def mirror_tensor(images: ImageBatch) -> Tensor:
    """``[B, C, *S]`` with each image mirrored along x where it is; the padding stays at the high end."""
    tensor = images.tensor.clone()
    for row, shape in zip(tensor, images.spatial_shapes):
        row[..., : shape[-1]] = row[..., : shape[-1]].flip(-1)
    return tensor


def mirrored(
    found: Instances,
    spatial_shape: Sequence[int],
    heads: Mapping[str, Head] | None = None,
    info: ModelInfo | None = None,
) -> Instances:
    """Turn objects into what they are in the mirror image along x.

    Args:
        found: the objects of an image.
        spatial_shape: of the image, tensor order.
        heads: whose outputs are turned too; None: boxes alone.
        info: of the model, which the heads need.

    Returns:
        The objects in the mirror image.
    """
    across = flip_map(spatial_shape, (X,))
    turned = dataclasses.replace(found, boxes=across.boxes(found.boxes), outputs=dict(found.outputs))
    turned.of_image = dict(found.of_image)
    if info is not None:
        for head in (heads or {}).values():
            head.mirror(turned, across, info)
    return turned


def fuse(a: Instances, b: Instances, iou_threshold: float) -> Instances:
    """Fuse the objects of two views of one image (weighted box fusion, Solovyev et al. 2021).

    An object of one view takes at most one of the other.

    Args:
        a: the objects of one view.
        b: those of the other, in the same coordinates.
        iou_threshold: from which two objects of a class are one.

    Returns:
        One list, best score first.
    """
    boxes = torch.cat([a.boxes, b.boxes])
    labels, scores = torch.cat([a.labels, b.labels]), torch.cat([a.scores, b.scores])
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
