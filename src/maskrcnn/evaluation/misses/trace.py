"""Missed objects of one image traced through the model, in the view in which the predictor saw them.

An image that is cut into tiles is traced tile by tile, each object in the tile that sees most of it (of equal ones the
one in whose middle it lies). With mirroring (``flip``) only the image as it is is traced. What tiles or views lose when
they are made one is therefore the last cause, "joined".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from maskrcnn.data.transforms.contrast import stretch_contrast
from maskrcnn.evaluation.misses.stages import Fate, fates, walk
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.tiling.tiles import best_views, tile_slices
from maskrcnn.models.head import Slices
from maskrcnn.ops.boxes import clip_boxes, volumes


def trace(
    predictor: Predictor, image: Tensor, boxes: Tensor, labels: Sequence[int], threshold: float
) -> tuple[list[Fate], list[float]]:
    """What became of each object, and how long the network saw it.

    Args:
        predictor: the one that missed them.
        image: ``[C, *S]``, 0..255.
        boxes: float ``[G, 2D]`` in coordinates of the image.
        labels: G of the model's labels, 1..K.
        threshold: a detection is shown if it scores more.

    Returns:
        G fates, and G geometric means of the lengths of the box in samples of the network's input.
    """
    if predictor.preprocess.stretch:
        image = stretch_contrast(image)
    config = predictor.model.config
    detection = dataclasses.replace(predictor.detection, score_threshold=threshold)
    found: dict[int, tuple[Fate, float]] = {}
    for where, members in _by_view(predictor, image, boxes):
        batch, axis_map = predictor.prepare(image[(slice(None), *where)])
        start = boxes.new_tensor([s.start for s in reversed(where)])
        seen = axis_map.boxes(boxes[members] - start.repeat(2)).to(predictor.device)
        seen = clip_boxes(seen, batch.spatial_shapes[0])
        own = [labels[m] for m in members]
        stages = walk(predictor.model, batch)[0]
        result = fates(stages, seen, own, detection, config.loss.rpn_negative_iou)
        found |= dict(zip(members, zip(result, sizes(seen).tolist())))
    return [found[m][0] for m in range(len(boxes))], [found[m][1] for m in range(len(boxes))]


def sizes(boxes: Tensor) -> Tensor:
    """The geometric mean of the lengths of boxes ``[N, 2D]``, in samples: ``[N]``."""
    return volumes(boxes) ** (2 / boxes.shape[-1])


def _by_view(predictor: Predictor, image: Tensor, boxes: Tensor) -> list[tuple[Slices, list[int]]]:
    """The windows of the image in which objects are traced, and which those are."""
    shape = tuple(image.shape[1:])
    views: list[Slices] = [tuple(slice(0, extent) for extent in shape)]
    tiling = predictor.tiling
    if tiling is not None and tiling.applies_to(shape):
        views = tile_slices(shape, tiling.tile, tiling.overlap)
    return [(view, members.tolist()) for view, members in best_views(boxes, views)]
