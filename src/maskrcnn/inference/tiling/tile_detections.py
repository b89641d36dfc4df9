"""What the tiles of an image found, on the image's own canvas, and which of it a tile's border has cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from maskrcnn.models.head import Head, Slices
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

RELATIVE_MARGIN = 0.03  # of an object's extent: about how well boxes are predicted

NO_HEADS: Mapping[str, Head] = MappingProxyType({})


@dataclass(frozen=True)
class Parts:
    """What all tiles found, in the coordinates of the image.

    Attributes:
        found: N parts, regions on the whole canvas.
        cover: what each part covers: its mask, or its box where there is no mask.
        tile: int64 ``[N]``: the tile that found it.
        cut: bool ``[N, 2D]``, as boxes: the sides at which its tile cuts it.
        better: for each part the tiles that see more of it: they look across a cut, and all of the part is in them.
        windows: float64 ``[T, 2D]``, as boxes: the tiles.
    """

    found: Instances
    cover: Regions
    tile: np.ndarray
    cut: np.ndarray
    better: list[frozenset[int]]
    windows: np.ndarray


def gather(
    found: Sequence[Instances],
    slices: Sequence[Slices],
    spatial_shape: tuple[int, ...],
    margin: float,
    heads: Mapping[str, Head] = NO_HEADS,
) -> Parts:
    """Gather the detections of all tiles on one canvas.

    Args:
        found: of each tile, in the tile's coordinates.
        slices: where the tiles lie, tensor order.
        spatial_shape: of the image, tensor order.
        margin: samples from a border within which an object counts as touching it.
        heads: of the model, which know what becomes of their outputs.

    Returns:
        All parts of objects.
    """
    low = np.array([[s.start for s in where] for where in slices], dtype=np.int64)
    high = np.array([[s.stop for s in where] for where in slices], dtype=np.int64)
    windows = np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1).astype(np.float64)
    limit = np.array(spatial_shape[::-1], dtype=np.float64)
    inner = np.concatenate([windows[:, : len(limit)] > 0, windows[:, len(limit) :] < limit], axis=1)
    placed = [move_to_image(own, start, spatial_shape, heads) for own, start in zip(found, low.tolist())]
    cuts, better = [], []
    for t, instances in enumerate(placed):
        boxes = instances.boxes.double().numpy()
        near = slack(boxes, margin)
        cuts.append((depths_inside(boxes, windows[t]) <= near) & inner[t])
        others = np.flatnonzero(shared_zones(windows, t)[1])
        seen = _seen_better(boxes, near, cuts[-1], windows[t], windows[others])
        better += [frozenset(others[row].tolist()) for row in seen]
    together = Instances.join(placed)
    tile = np.repeat(np.arange(len(placed)), [len(instances) for instances in placed])
    return Parts(together, cover_of(together, spatial_shape), tile, np.concatenate(cuts), better, windows)


def _seen_better(
    boxes: np.ndarray, near: np.ndarray, cut: np.ndarray, own: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Bool ``[N, T]``: which other tiles see all of a part and, on a side where its own tile cuts it, more.

    Towards a border that lies further in than the own tile's, a part must keep twice the slack ``near``, so that two
    tiles rarely see one object better than each other.
    """
    further = depths_inside(own, others)
    sees_all = ((further >= 0) | (depths_inside(boxes[:, None], others) > 2 * near[:, None])).all(axis=-1)
    sees_more = (cut[:, None] & (further > 0)).any(axis=-1)
    return np.asarray(sees_all & sees_more)


def move_to_image(
    found: Instances, start: Sequence[int], spatial_shape: tuple[int, ...], heads: Mapping[str, Head]
) -> Instances:
    """Move detections from the coordinates of a tile to those of the image.

    Args:
        found: the objects of the tile.
        start: where the tile begins, tensor order.
        spatial_shape: of the image, tensor order.
        heads: of the model, which know what becomes of their outputs.

    Returns:
        The objects in coordinates of the image.
    """
    move = found.boxes.new_tensor(tuple(reversed(start)))
    moved = replace(found, boxes=found.boxes + torch.cat([move, move]), outputs=dict(found.outputs))
    if moved.regions is not None:
        own = moved.regions
        moved.regions = Regions(spatial_shape, own.offsets + np.asarray(start), own.shapes, own.runs)
    if moved.keypoints is not None:
        points, scores = moved.keypoints[..., :-1], moved.keypoints[..., -1:]
        moved.keypoints = torch.cat([points + move, scores], -1)
    for head in heads.values():
        head.shift(moved, start, spatial_shape)
    return moved


def slack(boxes: np.ndarray, margin: float) -> np.ndarray:
    """``[N, 2D]``: how near to a border each side of a box counts as touching it."""
    low, high = np.split(boxes, 2, axis=-1)
    return np.tile(margin + RELATIVE_MARGIN * (high - low), 2)


def depths_inside(boxes: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """``[..., 2D]``: how far inside the windows' borders the boxes' sides lie; negative outside."""
    (low, high), (first, last) = np.split(boxes, 2, axis=-1), np.split(windows, 2, axis=-1)
    return np.concatenate([low - first, last - high], axis=-1)


def shared_zones(windows: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
    """What each window shares with window t, ``[T, 2D]``, and whether that is anything, ``[T]``; t is no other's."""
    (low, high) = np.split(windows, 2, axis=1)
    zones = np.concatenate([np.maximum(low, low[t]), np.minimum(high, high[t])], axis=1)
    shared = np.all(zones[:, : low.shape[1]] < zones[:, low.shape[1] :], axis=1)
    shared[t] = False
    return zones, shared


def cover_of(found: Instances, spatial_shape: tuple[int, ...]) -> Regions:
    """The masks; a box of whole samples for each object without one."""
    corners = found.boxes.double().round().long().numpy().reshape(len(found), 2, len(spatial_shape))[..., ::-1]
    shapes = np.maximum(corners[:, 1] - corners[:, 0], 0)
    runs = [np.array([0, volume], dtype=np.uint32) for volume in shapes.prod(axis=1)]
    cover = Regions(spatial_shape, corners[:, 0].copy(), shapes, runs)
    if found.regions is not None:
        for i in np.flatnonzero(found.regions.areas()):
            cover.offsets[i], cover.shapes[i] = found.regions.offsets[i], found.regions.shapes[i]
            cover.runs[i] = found.regions.runs[i]
    return cover
