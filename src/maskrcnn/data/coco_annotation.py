"""One annotation of a COCO json file, checked: what can be used of it, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

NO_MASK = b""
MIN_COORDINATES = 6  # of a polygon: three points
PIXEL_CENTRE = 0.5


@dataclass(frozen=True)
class Annotation:
    """One labelled object.

    Attributes:
        box: ``(x1, y1, x2, y2)``, inside the image.
        label: 1..K.
        crowd: whether it covers several objects that nobody separated.
        area: in pixels, as the file states it or else measured.
        mask: COCO's compressed run lengths; ``NO_MASK`` for an object with a box only.
        keypoints: float32 ``[P, 3]``: x, y, visibility; None if P is 0.
    """

    box: tuple[float, float, float, float]
    label: int
    crowd: bool
    area: float
    mask: bytes
    keypoints: np.ndarray | None


def parse_annotation(
    annotation: dict[str, Any], label: int, spatial_shape: tuple[int, int], num_keypoints: int
) -> tuple[Annotation | None, list[str]]:
    """What of ``annotation`` can be used, None if nothing can, and its faults as parts of a sentence."""
    faults: list[str] = []
    mask = _read_mask(annotation.get("segmentation"), spatial_shape, faults)
    box = _read_box(annotation.get("bbox"), spatial_shape, faults) or _mask_box(mask, spatial_shape)
    if box is None:
        return None, [*faults, "nothing of it lies in the image, so it was left out"]
    keypoints = _read_keypoints(annotation.get("keypoints"), num_keypoints, faults) if num_keypoints else None
    area = _finite_numbers([annotation.get("area")], 1)
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


def _finite_numbers(values: Any, count: int | None = None) -> np.ndarray | None:
    """``values`` as float64 ``[n]``, or None if they are not ``count`` finite numbers."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    right_count = numbers.ndim == 1 and count in (None, len(numbers))
    return numbers if right_count and np.isfinite(numbers).all() else None


def _read_box(bbox: Any, spatial_shape: tuple[int, int], faults: list[str]) -> tuple[float, float, float, float] | None:
    """Corners cut to the image from COCO's ``[x, y, width, height]``; None where no area is left."""
    if bbox is None:
        return None
    numbers = _finite_numbers(bbox, 4)
    if numbers is None:
        faults.append("its box is not four finite numbers")
        return None
    x, y, width, height = numbers.tolist()
    rows, columns = spatial_shape
    x1, y1 = max(x, 0.0), max(y, 0.0)
    x2, y2 = min(x + width, float(columns)), min(y + height, float(rows))
    if x2 > x1 and y2 > y1:
        return x1, y1, x2, y2
    empty = width <= 0 or height <= 0
    faults.append(f"its box {bbox} has no area" if empty else f"its box {bbox} lies outside the image")
    return None


def _mask_box(mask: bytes, spatial_shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """The tight box of a mask; None for an empty one."""
    x, y, width, height = coco_mask.to_bbox(_rle(mask, spatial_shape)).tolist()
    return (x, y, x + width, y + height) if width and height else None


def _measure_area(mask: bytes, box: Sequence[float], spatial_shape: tuple[int, int]) -> float:
    """Pixels of the mask, or of the box where there is no mask."""
    covered = float(coco_mask.area(_rle(mask, spatial_shape)))
    return covered or (box[2] - box[0]) * (box[3] - box[1])


def _rle(mask: bytes, spatial_shape: tuple[int, int]) -> dict[str, Any]:
    return {"size": list(spatial_shape), "counts": mask}


def _read_mask(segmentation: Any, spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """Compressed run lengths of polygons or of an RLE; ``NO_MASK`` where they cover no pixel."""
    if not segmentation:
        return NO_MASK
    try:
        if isinstance(segmentation, dict):
            mask = _read_rle(segmentation, spatial_shape, faults)
        else:
            mask = _rasterise(segmentation, spatial_shape, faults)
        covers = mask != NO_MASK and coco_mask.area(_rle(mask, spatial_shape)) > 0
    except (TypeError, ValueError, OverflowError) as error:
        faults.append(f"its mask cannot be read ({error})")
        return NO_MASK
    return mask if covers else NO_MASK


def _read_rle(segmentation: dict[str, Any], spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    size = segmentation.get("size")
    if size != list(spatial_shape):
        faults.append(f"its mask is of size {size} but its image of {list(spatial_shape)}")
        return NO_MASK
    return coco_mask.frPyObjects(segmentation, *spatial_shape)["counts"]


def _rasterise(segmentation: Any, spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """The union of all parts of a polygon, each ``[x, y, x, y, ...]``; one part may come without its list."""
    parts = segmentation if isinstance(segmentation[0], list) else [segmentation]
    numbers = [_finite_numbers(part) for part in parts]
    polygons = [part.tolist() for part in numbers if part is not None and _is_polygon(part)]
    if len(polygons) < len(parts):
        faults.append(f"{len(parts) - len(polygons)} of the {len(parts)} parts of its polygon are no polygon")
    if not polygons:
        return NO_MASK
    return coco_mask.merge(coco_mask.frPyObjects(polygons, *spatial_shape))["counts"]


def _is_polygon(coordinates: np.ndarray) -> bool:
    return len(coordinates) >= MIN_COORDINATES and len(coordinates) % 2 == 0


def _read_keypoints(keypoints: Any, count: int, faults: list[str]) -> np.ndarray:
    """Float32 ``[P, 3]``; all zero (not labelled) where there are none."""
    if not keypoints:
        return np.zeros((count, 3), dtype=np.float32)
    numbers = _finite_numbers(keypoints, 3 * count)
    if numbers is None:
        faults.append(f"its keypoints are not {count} times three finite numbers")
        return np.zeros((count, 3), dtype=np.float32)
    points = numbers.reshape(count, 3).astype(np.float32)
    points[points[:, 2] > 0, :2] += PIXEL_CENTRE
    return points
