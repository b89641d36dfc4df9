"""COCO's run-length encoding: column-major runs over the whole image, compressed to a short string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.regions import Regions, encode_runs


def regions_to_rle(regions: Regions, i: int) -> dict[str, Any]:
    """Object ``i`` of 2-D regions as COCO writes it: ``{"size": [height, width], "counts": str}``, ready for JSON.

    Only the columns that the object's window spans are laid out, never the whole image.
    """
    height, width = regions.spatial_shape
    (top, left), (rows, columns) = regions.offsets[i], regions.shapes[i]
    strip = np.zeros((columns, height), dtype=bool)
    strip[:, top : top + rows] = regions.window(i).T
    counts = encode_runs(strip).astype(np.int64).tolist()
    counts[0] += int(left) * height
    zeros_after = int(width - left - columns) * height
    if len(counts) % 2:  # an odd number of runs ends in zeros
        counts[-1] += zeros_after
    elif zeros_after:
        counts.append(zeros_after)
    return _to_text(coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width))


def decode_masks(masks: Sequence[bytes], spatial_shape: tuple[int, ...]) -> Regions:
    """COCO's compressed run lengths as regions; each is decoded on its own and cut to its tight box."""
    return Regions.from_windows(spatial_shape, (_decode_window(counts, spatial_shape) for counts in masks))


def _decode_window(counts: bytes, spatial_shape: tuple[int, ...]) -> tuple[tuple[int, int], np.ndarray]:
    """The offset ``(y, x)`` and the boolean content of the box that holds one mask."""
    rle = {"size": list(spatial_shape), "counts": counts}
    x, y, width, height = (int(value) for value in coco_mask.to_bbox(rle))
    return (y, x), coco_mask.decode(rle)[y : y + height, x : x + width].astype(bool)


def box_to_rle(box: Sequence[float] | np.ndarray, spatial_shape: Sequence[int]) -> dict[str, Any]:
    """The pixels of a box ``[x1, y1, x2, y2]`` in an image of ``spatial_shape`` (height, width), in the same form."""
    x1, y1, x2, y2 = (float(c) for c in box)
    height, width = spatial_shape
    return _to_text(coco_mask.fr_bbox([x1, y1, x2 - x1, y2 - y1], height, width))


def _to_text(rle: dict[str, Any]) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}
