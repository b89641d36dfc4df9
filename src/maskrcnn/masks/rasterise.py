"""Drawn shapes as pixels: what several label formats need and none owns.

Points are in continuous coordinates, x first, in which pixel k covers [k, k + 1). Polygons become pixels by the rule of
pycocotools. A mask is COCO's compressed run lengths over its whole image, ``bytes``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle

NO_MASK = b""
FARTHEST = 1e6  # pixels
LARGEST_GAP = 0.05  # pixels between a circle and its polygon
Box = tuple[float, float, float, float]  # x1, y1, x2, y2


def polygons_to_mask(polygons: Sequence[Sequence[float]], spatial_shape: tuple[int, int]) -> bytes:
    """The union of polygons ``[x, y, x, y, ...]``; ``NO_MASK`` where they cover no pixel.

    Raises:
        ValueError: where a corner is so far away that its sides could not be walked; the text goes on from "shape 3".
    """
    if any(max(map(abs, polygon)) > FARTHEST for polygon in polygons):
        raise ValueError("has a corner more than a million pixels away")
    parts = coco_mask.frPyObjects([list(map(float, polygon)) for polygon in polygons], *spatial_shape)
    return _unless_empty(coco_mask.merge(parts)["counts"], spatial_shape)


def window_to_mask(window: np.ndarray, offset: Sequence[int], spatial_shape: tuple[int, int]) -> bytes:
    """Encode a boolean window as the mask of an image; what sticks out of the image is cut.

    Args:
        window: bool ``[h, w]``.
        offset: y and x of its first pixel.
        spatial_shape: of the image, height and width.

    Returns:
        COCO's run lengths.
    """
    low = [max(0, -start) for start in offset]
    high = [min(side, whole - start) for side, whole, start in zip(window.shape, spatial_shape, offset)]
    inside = window[tuple(slice(a, max(a, b)) for a, b in zip(low, high))]
    start = [max(0, start) for start in offset]
    if not inside.any():
        return NO_MASK
    regions = Regions.from_windows(spatial_shape, [(start, inside)])
    counts: bytes = regions_to_rle(regions, 0)["counts"].encode("ascii")
    return counts


def unite(masks: Sequence[bytes], spatial_shape: tuple[int, int]) -> bytes:
    """The pixels of any of ``masks``."""
    covering = [mask for mask in masks if mask != NO_MASK]
    if len(covering) <= 1:
        return covering[0] if covering else NO_MASK
    counts: bytes = coco_mask.merge([_rle(mask, spatial_shape) for mask in covering])["counts"]
    return counts


def mask_box(mask: bytes, spatial_shape: tuple[int, int]) -> Box | None:
    """The tight box of a mask; None for an empty one."""
    x, y, width, height = coco_mask.to_bbox(_rle(mask, spatial_shape)).tolist()
    return (x, y, x + width, y + height) if width and height else None


def mask_area(mask: bytes, spatial_shape: tuple[int, int]) -> float:
    """Number of pixels."""
    return float(coco_mask.area(_rle(mask, spatial_shape)))


def clip_box(box: Sequence[float], spatial_shape: tuple[int, int]) -> Box | None:
    """The part of a box that lies in the image; None where it has no area."""
    (x1, y1, x2, y2), (rows, columns) = box, spatial_shape
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(columns)), min(y2, float(rows))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def outline_box(polygons: Sequence[Sequence[float]]) -> Box:
    """What polygons ``[x, y, x, y, ...]`` reach, wherever that is."""
    x, y = ([polygon[axis::2] for polygon in polygons] for axis in (0, 1))
    return min(map(min, x)), min(map(min, y)), max(map(max, x)), max(map(max, y))


def rectangle_polygon(box: Sequence[float]) -> list[float]:
    """The four corners of a box."""
    x1, y1, x2, y2 = box
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def ellipse_polygon(centre: Sequence[float], radii: Sequence[float], angle: float = 0.0) -> list[float]:
    """Draw an ellipse as a polygon that is nowhere further than ``LARGEST_GAP`` inside it.

    Args:
        centre: x, y.
        radii: along x and y before turning.
        angle: radians from the x axis towards the y axis, which on a screen is clockwise.

    Returns:
        x and y of each point in turn.

    Raises:
        ValueError: where it is absurdly far or large; the text goes on from "shape 3".
    """
    if max(map(abs, (*centre, *radii))) > FARTHEST:
        raise ValueError("lies or reaches more than a million pixels away")
    sagitta = min(1.0, LARGEST_GAP / max(max(radii), LARGEST_GAP))  # of one chord of a circle of radius 1
    count = max(12, math.ceil(math.pi / math.acos(1 - sagitta)))
    turns = np.arange(count) * (2 * math.pi / count)
    x, y = radii[0] * np.cos(turns), radii[1] * np.sin(turns)
    cos, sin = math.cos(angle), math.sin(angle)
    points = np.stack([centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos], axis=1)
    coordinates: list[float] = points.ravel().tolist()
    return coordinates


def _rle(mask: bytes, spatial_shape: tuple[int, int]) -> dict[str, object]:
    return {"size": list(spatial_shape), "counts": mask}


def _unless_empty(mask: bytes, spatial_shape: tuple[int, int]) -> bytes:
    return mask if mask_area(mask, spatial_shape) else NO_MASK
