"""Random crops for training: which part of an image becomes a sample, and which objects are still seen in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.ops.boxes import are_larger, clip_boxes, volumes
from maskrcnn.structures import Instances
from maskrcnn.surfaces.points import SurfacePoints


def draw_crop(
    spatial_shape: Sequence[int],
    draw_point: Callable[[np.random.Generator], tuple[int, ...] | None],
    augment: AugmentConfig,
    generator: np.random.Generator,
    fit: Sequence[float] | None = None,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Which part of an image becomes a sample, and of what shape.

    The image is scaled at random; where it then exceeds ``augment.size`` a crop is drawn that holds a point of what
    is of interest. Cutting before resizing costs the least and shows the same.

    Args:
        spatial_shape: of the image, tensor order.
        draw_point: gives that point, tensor order, such as :func:`draw_focus`; None: any crop will do.
        augment: sizes and scales.
        generator: what is drawn comes from.
        fit: the scale that counts as 1, an axis each, tensor order; by default that at which the
            image just fits.

    Returns:
        offset and extent of the crop in the image, and the sample's shape before padding; all in tensor order.
    """
    if fit is None:
        fit = [min(side / old for side, old in zip(augment.size, spatial_shape))] * len(spatial_shape)
    factor = float(np.exp(generator.uniform(*np.log(augment.scale_range))))
    scale = [own * factor for own in fit]
    extent = tuple(min(old, max(1, round(side / s))) for side, old, s in zip(augment.size, spatial_shape, scale))
    shape = tuple(min(side, max(1, round(part * s))) for side, part, s in zip(augment.size, extent, scale))
    focus = draw_point(generator)
    offset = []
    for axis, (old, part) in enumerate(zip(spatial_shape, extent)):
        low, high = 0, old - part
        if focus is not None:
            low, high = max(low, focus[axis] - part + 1), min(high, focus[axis])
        offset.append(int(generator.integers(low, high, endpoint=True)))
    return tuple(offset), extent, shape


def draw_focus(
    spatial_shape: Sequence[int], instances: Instances, generator: np.random.Generator
) -> tuple[int, ...] | None:
    """Draw a sample in the box of a random object that is no crowd.

    Args:
        spatial_shape: of the image, tensor order.
        instances: its objects.
        generator: what is drawn comes from.

    Returns:
        Its position, tensor order; None without objects.
    """
    boxes = instances.boxes[~instances.crowd]
    if len(boxes) == 0:
        return None
    low, high = boxes[int(generator.integers(len(boxes)))].double().numpy().reshape(2, -1)[:, ::-1]
    point = np.floor(generator.uniform(low, high))
    return tuple(min(max(int(at), 0), side - 1) for at, side in zip(point, spatial_shape))


def keep_visible(target: Instances, spatial_shape: Sequence[int], augment: AugmentConfig) -> Instances:
    """Cut boxes to the sample, and leave out the objects of which too little is seen.

    Crowds stay while they have area. Keypoints outside the sample become unlabelled, surface points
    are left out.

    Args:
        target: in coordinates of the sample.
        spatial_shape: of the sample, tensor order.
        augment: how much must be seen.

    Returns:
        The objects that stay.
    """
    whole = target.boxes
    boxes = clip_boxes(whole, spatial_shape)
    seen = volumes(boxes) >= augment.min_visible * volumes(whole)
    keep = (seen & are_larger(boxes, augment.min_box_size)) | (target.crowd & are_larger(boxes, 0))
    keypoints = target.keypoints
    if keypoints is not None:
        sides = keypoints.new_tensor(tuple(reversed(tuple(spatial_shape))))
        points = keypoints[..., :-1]
        keypoints = keypoints * ((points >= 0) & (points < sides)).all(-1, keepdim=True)
    surface = target.surface
    if isinstance(surface, SurfacePoints):
        sides = surface.places.new_tensor(tuple(reversed(tuple(spatial_shape))))
        surface = surface.keep(((surface.places >= 0) & (surface.places < sides)).all(-1))
    return replace(target, boxes=boxes, keypoints=keypoints, surface=surface)[keep]
