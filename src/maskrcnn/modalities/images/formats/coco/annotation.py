"""One annotation of a COCO json file, checked: what can be used of it, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import PIXEL_CENTRE
from maskrcnn.data.faults import border_excess
from maskrcnn.data.parsing.numbers import finite_numbers, truth, whole_number
from maskrcnn.masks.rasterise import (
    FARTHEST,
    NO_MASK,
    Box,
    clip_box,
    mask_area,
    mask_box,
    outline_box,
    polygons_to_mask,
    unite,
)
from maskrcnn.modalities.images.formats.coco.densepose import read_surface
from maskrcnn.modalities.images.labels.gather import Annotation
from maskrcnn.modalities.images.labels.run_lengths import read_mask, run_lengths_of

MIN_COORDINATES = 6  # of a polygon: three points


def parse_annotation(
    annotation: dict[str, Any], label: int, spatial_shape: tuple[int, int], num_keypoints: int, surface: str = ""
) -> tuple[Annotation | None, list[str]]:
    """What of ``annotation`` can be used, None if nothing can, and its faults as parts of a sentence.

    Args:
        annotation: an entry of ``annotations``.
        label: of its class, 1..K.
        spatial_shape: of the image, height and width.
        num_keypoints: of an object of the data set.
        surface: name of the one that DensePose's fields are about; empty: they are not read.

    Returns:
        What of it can be used, None if nothing can, and its faults as parts of a sentence.
    """
    faults: list[str] = []
    mask = _read_mask(annotation.get("segmentation"), spatial_shape, faults)
    box = _read_box(annotation.get("bbox"), spatial_shape, faults) or mask_box(mask, spatial_shape)
    if box is None:
        return None, [*faults, "nothing of it lies in the image, so it was left out"]
    keypoints = _read_keypoints(annotation.get("keypoints"), num_keypoints, faults) if num_keypoints else None
    area = finite_numbers([annotation.get("area")], 1)
    crowd = truth(annotation.get("iscrowd"))
    if crowd is None:
        faults.append(f"its iscrowd {str(annotation.get('iscrowd'))[:20]!r} is neither 0 nor 1 and was taken for 0")
    return (
        Annotation(
            box=box,
            label=label,
            crowd=bool(crowd),
            area=float(area[0]) if area is not None and area[0] > 0 else _measure_area(mask, box, spatial_shape),
            mask=mask,
            keypoints=keypoints,
            surface=read_surface(annotation, surface, faults) if surface else None,
        ),
        faults,
    )


def is_category(entry: dict[str, Any]) -> bool:
    """Whether an entry of ``categories`` has a whole number as id and a name, even an empty one."""
    return whole_number(entry.get("id")) is not None and "name" in entry


def heading_ids(categories: Iterable[dict[str, Any]], used: Collection[Any]) -> set[int | None]:
    """The ids of categories that are no class.

    Roboflow lists a heading as a category: never used itself, but the supercategory of others.
    """
    above: dict[str, set[int | None]] = {}
    for entry in categories:
        above.setdefault(str(entry.get("supercategory")), set()).add(whole_number(entry["id"]))
    found = ((whole_number(entry["id"]), str(entry["name"])) for entry in categories)
    return {number for number, name in found if number not in used and above.get(name, set()) - {number}}


def picture_name(entry: Any) -> str:
    """``file_name`` of an entry of ``images``, or, since LVIS gives addresses instead, the last folder and name of
    ``coco_url``; empty without either."""
    if not isinstance(entry, dict):
        return ""
    name, address = entry.get("file_name"), entry.get("coco_url")
    if name is None and isinstance(address, str):
        return "/".join(address.split("/")[-2:])
    return name if isinstance(name, str) else ""


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
        beyond = border_excess(np.array([x, y, x + width, y + height]), spatial_shape)
        faults += [f"its box passes the border by {beyond:.0f} px and was cut off there"] if beyond else []
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
        mask = _unite_parts(segmentation, spatial_shape, faults)
        covers = mask != NO_MASK and mask_area(mask, spatial_shape) > 0
    except (TypeError, ValueError, OverflowError) as error:
        faults.append(f"its mask cannot be read ({error})")
        return NO_MASK
    return mask if covers else NO_MASK


def _unite_parts(segmentation: Any, spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    runs = run_lengths_of(segmentation)
    if runs:
        return unite([read_mask(part, spatial_shape, faults) for part in runs], spatial_shape)
    return _rasterise(polygon_parts(segmentation), spatial_shape, faults)


def polygon_parts(segmentation: Any) -> list[Any]:
    """The parts of a polygon, each ``[x, y, x, y, ...]`` if it is sound: one may come without its list, and any may be
    a list of points."""
    if not isinstance(segmentation, list) or not segmentation or not isinstance(segmentation[0], list):
        return [segmentation]
    if len(segmentation) >= 3 and all(isinstance(part, list) and len(part) == 2 for part in segmentation):
        segmentation = [segmentation]  # points, not parts
    return [_flattened(part) for part in segmentation]


def _flattened(part: Any) -> Any:
    is_points = isinstance(part, list) and part and all(isinstance(p, list) and len(p) == 2 for p in part)
    return [coordinate for point in part for coordinate in point] if is_points else part


def _rasterise(parts: list[Any], spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """The union of all parts of a polygon."""
    numbers = [finite_numbers(part) for part in parts]
    polygons = [part.tolist() for part in numbers if part is not None and _is_polygon(part)]
    if len(polygons) < len(parts):
        faults.append(f"{len(parts) - len(polygons)} of the {len(parts)} parts of its polygon are no polygon")
    if not polygons:
        return NO_MASK
    mask = polygons_to_mask(polygons, spatial_shape)
    beyond = border_excess(np.array(outline_box(polygons)), spatial_shape)
    if beyond and mask != NO_MASK:
        faults.append(f"its outline passes the border by {beyond:.0f} px and was cut off there")
    return mask


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
    if np.abs(numbers).max() > FARTHEST:
        faults.append("one of its keypoints is more than a million pixels away")
        return np.zeros((count, 3), dtype=np.float32)
    points = numbers.reshape(count, 3).astype(np.float32)
    points[points[:, 2] > 0, :2] += PIXEL_CENTRE
    return points
