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


def box_to_rle(box: Sequence[float] | np.ndarray, spatial_shape: Sequence[int]) -> dict[str, Any]:
    """The pixels of a box ``[x1, y1, x2, y2]`` in an image of ``spatial_shape`` (height, width), in the same form."""
    x1, y1, x2, y2 = (float(c) for c in box)
    height, width = spatial_shape
    return _to_text(coco_mask.fr_bbox([x1, y1, x2 - x1, y2 - y1], height, width))


def _to_text(rle: dict[str, Any]) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}
