"""COCO's run-length encoding: column-major runs over the whole image, compressed to a short string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.regions import Regions, edges_of_runs, runs_of_edges


def regions_to_rle(regions: Regions, i: int) -> dict[str, Any]:
    """Object ``i`` of 2-D regions as COCO writes it: ``{"size": [height, width], "counts": str}``, ready for JSON.

    Rows become columns without a picture of either: what differs between one row and the next is where columns change,
    so the work is that of the outline's length.
    """
    height, width = regions.spatial_shape
    edges = turn_edges(edges_of_runs(regions.runs[i]), int(regions.shapes[i, 1]), regions.offsets[i], height)
    counts = runs_of_edges(edges, height * width)
    return _to_text(coco_mask.frPyObjects({"size": [height, width], "counts": counts.tolist()}, height, width))


def turn_edges(edges: np.ndarray, columns: int, offset: np.ndarray, height: int) -> np.ndarray:
    """Where a mask changes, counted down the columns of the image, from where it changes along its window's rows.

    A mask and its copy one row further down are, together with exclusive or, 1 just where a column changes. Edges of an
    exclusive or are the edges of both, and two at the same place are none.

    Args:
        edges: rising positions in a window of ``columns`` columns, row after row, an even number.
        columns: of the window.
        offset: ``(y, x)`` of the window.
        height: of the image.

    Returns:
        The positions down the columns of the image, rising, an even number.
    """
    start, stop = np.sort(np.concatenate([edges, edges + columns]), kind="stable").reshape(-1, 2).T
    length = stop - start
    total = int(length.sum())
    changed = np.repeat(start - (np.cumsum(length) - length), length) + np.arange(total)
    row, column = np.divmod(changed, max(columns, 1))
    turned = np.sort((column + offset[1]) * height + (row + offset[0]))
    twice = np.flatnonzero(turned[1:] == turned[:-1])  # a column that ends where the next begins
    return np.delete(turned, np.concatenate([twice, twice + 1])) if len(twice) else turned


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
