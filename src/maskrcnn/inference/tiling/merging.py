"""The objects of an image from those of its overlapping tiles: each once and whole.

Neighbouring tiles share a zone, and what each says there decides what belongs together:

1. A part that touches an inner border of its tile is *cut*. If all of it lies well inside another tile, that tile sees
   more of the object and is left to judge it. An object smaller than the overlap is whole in some tile.
2. Two parts from two tiles are one object if their labels agree and their masks agree inside the zone that the tiles
   share, where both have seen the same samples. Neighbours that touch at a seam share no samples and stay two.
3. Of parts that are one object a whole one stands for all; if there is none, the object is the union of its parts,
   however many tiles it spans. Its score is the best of its parts.
4. What is left and lies for the most part under better objects of the same label from other tiles is a second opinion
   of the same thing, and goes. A cut part that no other tile confirmed is worse than any.

Masks stay windows of run lengths: memory holds the objects found and, decoded, one shared zone or one object. Only
parts in one zone are compared, so the work grows with the number of objects, not with its square.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.inference.tiling.tile_detections import (
    NO_HEADS,
    Parts,
    cover_of,
    depths_inside,
    gather,
    shared_zones,
    slack,
)
from maskrcnn.models.head import Head, Slices
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

AGREEMENT = 0.5  # IoU of two masks inside a shared zone above which they are one object
CONTAINED = 0.75  # of a cut part's samples in the zone: enough where the object goes on in the other tile
COVERED = 0.5  # of an object under better ones of other tiles: a second opinion

Crop = tuple[Any, np.ndarray]  # first sample (tensor order) and boolean values of a piece of a mask


def merge_tiles(
    found: Sequence[Instances],
    slices: Sequence[Slices],
    spatial_shape: Sequence[int],
    margin: float = 2.0,
    heads: Mapping[str, Head] = NO_HEADS,
) -> Instances:
    """Merge tile detections: removes duplicates and joins objects that tile borders split; the
    rules stand above.

    An object that one part stands for keeps that part's box; the box of a union is that of its
    mask, or the hull of the boxes where there are no masks. What heads say of an object is what
    they say of its best part.

    Args:
        found: what was found in each tile, in the tile's coordinates, on the CPU, with labels and
            scores.
        slices: where the tiles lie, tensor order.
        spatial_shape: of the image, tensor order.
        margin: samples from a border within which an object counts as touching it, beside 3 % of
            its own extent.
        heads: of the model, which know what becomes of their outputs.

    Returns:
        The objects of the image, best first, in its coordinates.
    """
    parts = gather(found, slices, tuple(spatial_shape), margin, heads)
    edges, near = _compare(parts)
    groups = _group(parts, edges, _not_left_to_others(parts, edges))
    merged = _represent(parts, groups, margin)
    merged = merged[_without_second_opinions(parts, groups, merged, near)]
    merged = merged[merged.scores.argsort(descending=True, stable=True)]
    for head in heads.values():
        head.merge(merged, found, slices, tuple(spatial_shape))
    return merged


def _compare(parts: Parts) -> tuple[list[tuple[float, int, int]], list[tuple[int, int]]]:
    """Pairs of parts that are one object, with their IoU in the zone, and all pairs that share a sample."""
    edges: list[tuple[float, int, int]] = []
    near: list[tuple[int, int]] = []
    labels = parts.found.labels.numpy()
    boxes = parts.cover.boxes().astype(np.float64)
    members = [np.flatnonzero(parts.tile == t) for t in range(len(parts.windows))]
    for t in range(len(parts.windows)):
        zones, shared = shared_zones(parts.windows, t)
        for u in np.flatnonzero(shared[:t]).tolist():
            reaching = [group[_meet(boxes[group], zones[u])] for group in (members[t], members[u])]
            crops = {i: _crop(parts.cover, i, zones[u]) for group in reaching for i in group}
            areas = {i: np.count_nonzero(values) for i, (_, values) in crops.items()}
            for i, j in _pairs(boxes, labels, *reaching):
                both = _shared_samples(crops[i], crops[j])
                if not both:
                    continue
                near.append((i, j))
                iou = both / (areas[i] + areas[j] - both)
                of_one = ((i, u), (j, t))
                goes_on = any(both >= CONTAINED * areas[k] and _continues(parts, k, v) for k, v in of_one)
                if iou > AGREEMENT or goes_on:
                    edges.append((float(iou), i, j))
    return edges, near


def _continues(parts: Parts, i: int, u: int) -> bool:
    """Whether part i is cut by a border that tile u, its neighbour along one axis, looks across."""
    own, other = parts.windows[parts.tile[i]], parts.windows[u]
    beside = (own != other).reshape(2, -1).any(axis=0).sum() <= 1  # in a corner zone slivers of neighbours meet
    return bool(beside and (parts.cut[i] & (depths_inside(own, other) > 0)).any())


def _meet(boxes: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """Bool ``[N]``: boxes that share something with ``zone [2D]``."""
    (low, high), (first, last) = np.split(boxes, 2, axis=1), np.split(zone, 2)
    meeting: np.ndarray = np.all((low < last) & (high > first), axis=1)
    return meeting


def _pairs(boxes: np.ndarray, labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of one label, one of ``a`` and one of ``b``, whose boxes meet."""
    for i in a:
        for j in b[_meet(boxes[b], boxes[i]) & (labels[b] == labels[i])]:
            yield int(i), int(j)


def _crop(regions: Regions, i: int, zone: np.ndarray) -> Crop:
    """The piece of mask i inside ``zone [2D]`` (x first, whole samples)."""
    first, last = (corner[::-1].astype(np.int64) for corner in np.split(zone, 2))
    low = np.maximum(regions.offsets[i], first)
    shape = np.minimum(regions.offsets[i] + regions.shapes[i], last) - low
    return low, regions.window(i)[_slices(low - regions.offsets[i], shape.clip(min=0))]


def _shared_samples(a: Crop, b: Crop) -> int:
    """How many samples are in both."""
    low = np.maximum(a[0], b[0])
    shape = np.minimum(a[0] + a[1].shape, b[0] + b[1].shape) - low
    if (shape <= 0).any():
        return 0
    one, two = (values[_slices(low - start, shape)] for start, values in (a, b))
    return int(np.count_nonzero(one & two))


def _not_left_to_others(parts: Parts, edges: Iterable[tuple[float, int, int]]) -> np.ndarray:
    """Bool ``[N]``: the parts that no other tile sees better, or only one that would leave the same object to theirs.

    The second is the case of an object as long as the overlap, of which both tiles' boxes are slightly off.
    """
    stays = np.array([not better for better in parts.better], dtype=bool)
    for _, i, j in edges:
        if parts.tile[j] in parts.better[i] and parts.tile[i] in parts.better[j]:
            stays[[i, j]] = True
    return stays


def _group(parts: Parts, edges: Iterable[tuple[float, int, int]], stays: np.ndarray) -> list[list[int]]:
    """Those parts that stay, as lists of parts of one object; the best agreement joins first."""
    groups = {i: [i] for i in np.flatnonzero(stays).tolist()}
    of = {i: i for i in groups}
    between = [edge for edge in edges if stays[edge[1]] and stays[edge[2]]]
    for _, i, j in sorted(between, key=lambda edge: (-edge[0], edge[1:])):
        a, b = of[i], of[j]
        if a == b or _seen_as_two(parts, groups[a], groups[b]):
            continue
        for member in groups[b]:
            of[member] = a
        groups[a] += groups.pop(b)
    return list(groups.values())


def _seen_as_two(parts: Parts, a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether some tile has a part in each group, and the two touch: it saw two objects there.

    Where they lie apart, it may have seen two ends of an object that is bent.
    """
    low, shapes = parts.cover.offsets, parts.cover.shapes
    for p, q in ((p, q) for p in a for q in b if parts.tile[p] == parts.tile[q]):
        if (np.maximum(low[p], low[q]) <= np.minimum(low[p] + shapes[p], low[q] + shapes[q])).all():
            return True
    return False


def _represent(parts: Parts, groups: list[list[int]], margin: float) -> Instances:
    """The object that each group of parts is."""
    scores = parts.found.scores.numpy()
    groups = [sorted(members, key=lambda i: -float(scores[i])) for members in groups]
    chosen = [_whole_one(parts, members, margin) for members in groups]
    models = [members[0] if one is None else one for members, one in zip(groups, chosen)]
    all_regions = parts.found.regions
    merged = parts.found[torch.tensor(models, dtype=torch.long)]
    merged.scores = torch.from_numpy(scores[[members[0] for members in groups]])
    for k in (k for k, one in enumerate(chosen) if one is None):
        boxes = parts.found.boxes[groups[k]]
        low, high = boxes.chunk(2, -1)
        merged.boxes[k] = torch.cat([low.amin(0), high.amax(0)])
        if all_regions is not None and merged.regions is not None:
            union = Regions.from_windows(all_regions.spatial_shape, [_union(all_regions, groups[k])])
            merged.regions.offsets[k], merged.regions.shapes[k] = union.offsets[0], union.shapes[0]
            merged.regions.runs[k] = union.runs[0]
            if union.shapes[0].all():
                merged.boxes[k] = torch.from_numpy(union.boxes()[0])
    return merged


def _whole_one(parts: Parts, members: list[int], margin: float) -> int | None:
    """The best part that its tile does not cut, unless others reach out of that tile; None: a union is called for."""
    one = next((i for i in members if not parts.cut[i].any()), None)
    if one is None or len(members) == 1:
        return members[0] if len(members) == 1 else None
    boxes = parts.found.boxes[members].double().numpy()
    beyond = depths_inside(boxes, parts.windows[parts.tile[one]]) < -slack(boxes, margin)
    return None if beyond.any() else one


def _union(regions: Regions, members: Sequence[int]) -> Crop:
    """The samples that belong to any of the members, on the smallest window that holds them all."""
    drawn = [i for i in members if regions.shapes[i].all()]
    if not drawn:
        return np.zeros(regions.ndim, np.int64), np.zeros((0,) * regions.ndim, dtype=bool)
    low = regions.offsets[drawn].min(axis=0)
    union = np.zeros((regions.offsets + regions.shapes)[drawn].max(axis=0) - low, dtype=bool)
    for i in drawn:
        union[_slices(regions.offsets[i] - low, regions.shapes[i])] |= regions.window(i)
    return low, union


def _slices(start: np.ndarray, shape: Sequence[int] | np.ndarray) -> Slices:
    return tuple(slice(int(a), int(a + n)) for a, n in zip(start, shape))


def _without_second_opinions(
    parts: Parts, groups: list[list[int]], merged: Instances, near: Iterable[tuple[int, int]]
) -> Tensor:
    """Bool ``[M]``: the objects that stay, once those are gone that better ones of other tiles cover.

    Only objects that share no tile are compared: what one tile says of two objects is its own affair.
    """
    cover = cover_of(merged, parts.cover.spatial_shape)
    object_of = {i: k for k, members in enumerate(groups) for i in members}
    tiles = [{int(parts.tile[i]) for i in members} for members in groups]
    neighbours: dict[int, set[int]] = defaultdict(set)
    for i, j in near:
        a, b = object_of.get(i), object_of.get(j)
        if a is not None and b is not None and not tiles[a] & tiles[b]:
            neighbours[a].add(b)
            neighbours[b].add(a)
    keep = torch.ones(len(merged), dtype=torch.bool)
    done: set[int] = set()
    scores = merged.scores.tolist()
    remains = [len(members) == 1 and bool(parts.cut[members[0]].any()) for members in groups]
    for k in sorted(range(len(groups)), key=lambda k: (remains[k], -scores[k])):
        better = [other for other in neighbours[k] if other in done]
        keep[k] = not better or _covered(cover, k, better) < COVERED
        if keep[k]:
            done.add(k)
    return keep


def _covered(cover: Regions, k: int, others: Sequence[int]) -> float:
    """What part of object k lies under any of the others."""
    own = cover.window(k)
    under = np.zeros_like(own)
    window = np.concatenate([cover.offsets[k][::-1], (cover.offsets[k] + cover.shapes[k])[::-1]])
    for other in others:
        low, values = _crop(cover, other, window)
        under[_slices(low - cover.offsets[k], values.shape)] |= values
    return float((own & under).sum() / max(own.sum(), 1))
