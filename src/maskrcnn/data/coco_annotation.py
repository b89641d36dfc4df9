"""One annotation of a COCO json file, checked: what can be used of it, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.data.labelled import Annotation, finite_numbers
from maskrcnn.data.shapes import NO_MASK, Box, clip_box, mask_area, mask_box, polygons_to_mask

MIN_COORDINATES = 6  # of a polygon: three points
PIXEL_CENTRE = 0.5


def parse_annotation(
    annotation: dict[str, Any], label: int, spatial_shape: tuple[int, int], num_keypoints: int
) -> tuple[Annotation | None, list[str]]:
    """What of ``annotation`` can be used, None if nothing can, and its faults as parts of a sentence."""
    faults: list[str] = []
    mask = _read_mask(annotation.get("segmentation"), spatial_shape, faults)
    box = _read_box(annotation.get("bbox"), spatial_shape, faults) or mask_box(mask, spatial_shape)
    if box is None:
        return None, [*faults, "nothing of it lies in the image, so it was left out"]
    keypoints = _read_keypoints(annotation.get("keypoints"), num_keypoints, faults) if num_keypoints else None
    area = finite_numbers([annotation.get("area")], 1)
    return (
        Annotation(
            box=box,
            label=label,
            crowd=bool(annotation.get("iscrowd")),
            area=float(area[0]) if area is not None and area[0] > 0 else _measure_area(mask, box, spatial_shape),
            mask=mask,
            keypoints=keypoints,
        ),
        faults,
    )


def to_coco_keypoints(keypoints: np.ndarray) -> list[list[float]]:
    """``[N, P, 3]`` as COCO writes points, ``[x, y, score, x, ...]`` for each object: indices that count pixels from 0,
    so that a whole number is the centre of a pixel."""
    moved = keypoints.astype(np.float64) - [PIXEL_CENTRE, PIXEL_CENTRE, 0]
    rows: list[list[float]] = moved.reshape(len(moved), 3 * keypoints.shape[1]).tolist()
    return rows


def _read_box(bbox: Any, spatial_shape: tuple[int, int], faults: list[str]) -> Box | None:
    """Corners cut to the image from COCO's ``[x, y, width, height]``; None where no area is left."""
    if bbox is None:
        return None
    numbers = finite_numbers(bbox, 4)
    if numbers is None:
        faults.append("its box is not four finite numbers")
        return None
    x, y, width, height = numbers.tolist()
    inside = clip_box((x, y, x + width, y + height), spatial_shape)
    if inside is not None:
        return inside
    empty = width <= 0 or height <= 0
    faults.append(f"its box {bbox} has no area" if empty else f"its box {bbox} lies outside the image")
    return None


def _measure_area(mask: bytes, box: Sequence[float], spatial_shape: tuple[int, int]) -> float:
    """Pixels of the mask, or of the box where there is no mask."""
    return mask_area(mask, spatial_shape) or (box[2] - box[0]) * (box[3] - box[1])


def _read_mask(segmentation: Any, spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """Compressed run lengths of polygons or of an RLE; ``NO_MASK`` where they cover no pixel."""
    if not segmentation:
        return NO_MASK
    try:
        if isinstance(segmentation, dict):
            mask = _read_rle(segmentation, spatial_shape, faults)
        else:
            mask = _rasterise(segmentation, spatial_shape, faults)
        covers = mask != NO_MASK and mask_area(mask, spatial_shape) > 0
    except (TypeError, ValueError, OverflowError) as error:
        faults.append(f"its mask cannot be read ({error})")
        return NO_MASK
    return mask if covers else NO_MASK


def _read_rle(segmentation: dict[str, Any], spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    size = segmentation.get("size")
    if size != list(spatial_shape):
        faults.append(f"its mask is of size {size} but its image of {list(spatial_shape)}")
        return NO_MASK
    counts: bytes = coco_mask.frPyObjects(segmentation, *spatial_shape)["counts"]
    return counts


def _rasterise(segmentation: Any, spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """The union of all parts of a polygon, each ``[x, y, x, y, ...]``; one part may come without its list."""
    parts = segmentation if isinstance(segmentation[0], list) else [segmentation]
    numbers = [finite_numbers(part) for part in parts]
    polygons = [part.tolist() for part in numbers if part is not None and _is_polygon(part)]
    if len(polygons) < len(parts):
        faults.append(f"{len(parts) - len(polygons)} of the {len(parts)} parts of its polygon are no polygon")
    if not polygons:
        return NO_MASK
    return polygons_to_mask(polygons, spatial_shape)


def _is_polygon(coordinates: np.ndarray) -> bool:
    return len(coordinates) >= MIN_COORDINATES and len(coordinates) % 2 == 0


def _read_keypoints(keypoints: Any, count: int, faults: list[str]) -> np.ndarray:
    """Float32 ``[P, 3]``; all zero (not labelled) where there are none."""
    if not keypoints:
        return np.zeros((count, 3), dtype=np.float32)
    numbers = finite_numbers(keypoints, 3 * count)
    if numbers is None:
        faults.append(f"its keypoints are not {count} times three finite numbers")
        return np.zeros((count, 3), dtype=np.float32)
    points = numbers.reshape(count, 3).astype(np.float32)
    points[points[:, 2] > 0, :2] += PIXEL_CENTRE
    return points
