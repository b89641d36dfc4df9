"""The objects of an image from those of its overlapping tiles, each once and whole: the rules of
``maskrcnn.inference.tiling.merging``, whose twin this is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskrcnn_runtime.boxes import Array, corners
from maskrcnn_runtime.masks import Mask
from maskrcnn_runtime.network import Found

RELATIVE_MARGIN = 0.03  # of an object's extent: about how well boxes are predicted
AGREEMENT = 0.5  # IoU of two masks inside a shared zone above which they are one object
CONTAINED = 0.75  # of a cut part's samples in the zone: enough where the object goes on in the other tile
COVERED = 0.5  # of an object under better ones of other tiles: a second opinion

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class _Parts:
    """What all tiles found, in the coordinates of the image: ``maskrcnn``'s ``Parts``."""

    found: Found
    cover: list[Mask]
    boxes: Array  # of the covers, float64
    tile: Array
    cut: Array
    better: list[set[int]]
    windows: Array


def merge_tiles(tiles: Sequence[Found], slices: Sequence[Slices], shape: Sequence[int], margin: float) -> Found:
    """Merge tile detections.

    Args:
        tiles: what was found in each, in its coordinates.
        slices: where they lie, tensor order.
        shape: of the image.
        margin: samples from a border within which an object counts as touching it.

    Returns:
        The objects of the image, best first.
    """
    parts = _gather(tiles, slices, shape, margin)
    edges, near = _compare(parts)
    stays = np.array([not better for better in parts.better], dtype=bool)
    for _, i, j in edges:
        if parts.tile[j] in parts.better[i] and parts.tile[i] in parts.better[j]:
            stays[[i, j]] = True
    groups = _group(parts, edges, stays)
    merged = _represent(parts, groups, margin)
    merged = merged[_without_second_opinions(parts, groups, merged, near)]
    return merged[np.argsort(-merged.scores, kind="stable")]


def _gather(tiles: Sequence[Found], slices: Sequence[Slices], shape: Sequence[int], margin: float) -> _Parts:
    low = np.array([[s.start for s in where] for where in slices])
    high = np.array([[s.stop for s in where] for where in slices])
    windows = np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1).astype(np.float64)
    limit = np.array(shape[::-1], dtype=np.float64)
    inner = np.concatenate([windows[:, :2] > 0, windows[:, 2:] < limit], axis=1)
    placed, cuts, better = [], [], []
    for t, found in enumerate(tiles):
        own = _moved(found, low[t])
        placed.append(own)
        boxes = own.boxes.astype(np.float64)
        near = _slack(boxes, margin)
        cuts.append((_depths(boxes, windows[t]) <= near) & inner[t])
        others = np.flatnonzero(_zones(windows, t)[1])
        further = _depths(windows[t], windows[others])
        all_of_it = ((further >= 0) | (_depths(boxes[:, None], windows[others]) > 2 * near[:, None])).all(-1)
        more = (cuts[-1][:, None] & (further > 0)).any(-1)
        better += [set(others[row].tolist()) for row in all_of_it & more]
    found = _joined(placed)
    cover = _cover(found)
    tile = np.repeat(np.arange(len(placed)), [len(own) for own in placed])
    boxes = np.array([mask.box() for mask in cover], dtype=np.float64).reshape(-1, 4)
    return _Parts(found, cover, boxes, tile, np.concatenate(cuts), better, windows)


def _moved(found: Found, start: Array) -> Found:
    move = np.float32([*start[::-1], *start[::-1]])
    masks = None if found.masks is None else [mask.moved(start.tolist()) for mask in found.masks]
    points = found.keypoints
    if points is not None:
        points = points + np.float32([*start[::-1], 0])
    return replace(found, boxes=found.boxes + move, masks=masks, keypoints=points)


def _joined(parts: Sequence[Found]) -> Found:
    masks = None if parts[0].masks is None else [mask for own in parts for mask in own.masks or []]
    points = None
    if parts[0].keypoints is not None:
        points = np.concatenate([own.keypoints for own in parts if own.keypoints is not None])
    rows = (np.concatenate([getattr(own, name) for own in parts]) for name in ("boxes", "labels", "scores"))
    return Found(*rows, masks, points)


def _cover(found: Found) -> list[Mask]:
    """The masks; a box of whole samples for each object without one."""
    cover = []
    for k, box in enumerate(np.round(found.boxes).astype(np.int64).tolist()):
        height, width = max(box[3] - box[1], 0), max(box[2] - box[0], 0)
        own = found.masks[k] if found.masks is not None else None
        solid = Mask((box[1], box[0]), (height, width), np.array([0, height * width]))
        cover.append(own if own is not None and own.area() else solid)
    return cover


def _slack(boxes: Array, margin: float) -> Array:
    low, high = corners(boxes)
    return np.tile(margin + RELATIVE_MARGIN * (high - low), 2)


def _depths(boxes: Array, windows: Array) -> Array:
    """How far inside the windows' borders the boxes' sides lie; negative outside."""
    (low, high), (first, last) = corners(boxes), corners(windows)
    return np.concatenate([low - first, last - high], axis=-1)


def _zones(windows: Array, t: int) -> tuple[Array, Array]:
    """What each window shares with window t, and whether that is anything."""
    low, high = corners(windows)
    zones = np.concatenate([np.maximum(low, low[t]), np.minimum(high, high[t])], axis=1)
    shared = np.all(zones[:, :2] < zones[:, 2:], axis=1)
    shared[t] = False
    return zones, shared


def _compare(parts: _Parts) -> tuple[list[tuple[float, int, int]], list[tuple[int, int]]]:
    """Pairs of parts that are one object, with their IoU in the zone, and all pairs that share a sample."""
    edges, near, labels = [], [], parts.found.labels
    members = [np.flatnonzero(parts.tile == t) for t in range(len(parts.windows))]
    for t in range(len(parts.windows)):
        zones, shared = _zones(parts.windows, t)
        for u in np.flatnonzero(shared[:t]).tolist():
            reaching = [group[_meet(parts.boxes[group], zones[u])] for group in (members[t], members[u])]
            crops = {int(i): _crop(parts.cover[i], zones[u]) for group in reaching for i in group}
            areas = {i: np.count_nonzero(values) for i, (_, values) in crops.items()}
            for i in reaching[0].tolist():
                alike = _meet(parts.boxes[reaching[1]], parts.boxes[i]) & (labels[reaching[1]] == labels[i])
                for j in reaching[1][alike].tolist():
                    both = _shared(crops[i], crops[j])
                    if not both:
                        continue
                    near.append((i, j))
                    iou = both / (areas[i] + areas[j] - both)
                    of_one = ((i, u), (j, t))
                    goes_on = any(both >= CONTAINED * areas[k] and _continues(parts, k, v) for k, v in of_one)
                    if iou > AGREEMENT or goes_on:
                        edges.append((float(iou), i, j))
    return edges, near


def _continues(parts: _Parts, i: int, u: int) -> bool:
    """Whether part i is cut by a border that tile u, its neighbour along one axis, looks across."""
    own, other = parts.windows[parts.tile[i]], parts.windows[u]
    beside = (own != other).reshape(2, -1).any(axis=0).sum() <= 1
    return bool(beside and (parts.cut[i] & (_depths(own, other) > 0)).any())


def _meet(boxes: Array, zone: Array) -> Array:
    (low, high), (first, last) = corners(boxes), corners(zone)
    return np.all((low < last) & (high > first), axis=1)


def _crop(mask: Mask, zone: Array) -> tuple[Array, Array]:
    """The first sample (y, x) and the boolean values of the piece of a mask inside a zone of whole samples."""
    first, last = (corner[::-1].astype(np.int64) for corner in corners(zone))
    low = np.maximum(mask.offset, first)
    start = low - mask.offset
    stop = start + np.maximum(np.minimum(np.add(mask.offset, mask.shape), last) - low, 0)
    return low, mask.window()[start[0] : stop[0], start[1] : stop[1]]


def _shared(a: tuple[Array, Array], b: tuple[Array, Array]) -> int:
    """How many samples are in both crops."""
    low = np.maximum(a[0], b[0])
    high = np.minimum(a[0] + a[1].shape, b[0] + b[1].shape)
    if (high <= low).any():
        return 0
    one, two = (v[o[0] : p[0], o[1] : p[1]] for at, v in (a, b) for o, p in [(low - at, high - at)])
    return int(np.count_nonzero(one & two))


def _group(parts: _Parts, edges: Sequence[tuple[float, int, int]], stays: Array) -> list[list[int]]:
    """The parts that stay, as lists of parts of one object; the best agreement joins first."""
    groups = {i: [i] for i in np.flatnonzero(stays).tolist()}
    of = {i: i for i in groups}
    for _, i, j in sorted((e for e in edges if stays[e[1]] and stays[e[2]]), key=lambda e: (-e[0], e[1:])):
        a, c = of[i], of[j]
        if a == c or _seen_as_two(parts, groups[a], groups[c]):
            continue
        for member in groups[c]:
            of[member] = a
        groups[a] += groups.pop(c)
    return list(groups.values())


def _seen_as_two(parts: _Parts, some: Sequence[int], others: Sequence[int]) -> bool:
    """Whether some tile has a part in each group, and the two touch: it saw two objects there."""
    for p, q in ((p, q) for p in some for q in others if parts.tile[p] == parts.tile[q]):
        (low_p, high_p), (low_q, high_q) = corners(parts.boxes[p]), corners(parts.boxes[q])
        if (np.maximum(low_p, low_q) <= np.minimum(high_p, high_q)).all():
            return True
    return False


def _represent(parts: _Parts, groups: list[list[int]], margin: float) -> Found:
    """The object that each group of parts is: a whole part, or the union of all."""
    found, scores = parts.found, parts.found.scores
    groups = [sorted(members, key=lambda i: -float(scores[i])) for members in groups]
    chosen = [_whole_one(parts, members, margin) for members in groups]
    merged = found[np.array([m[0] if one is None else one for m, one in zip(groups, chosen)], dtype=np.int64)]
    merged = replace(merged, scores=scores[[members[0] for members in groups]])
    for k in (k for k, one in enumerate(chosen) if one is None):
        low, high = corners(found.boxes[groups[k]])
        merged.boxes[k] = np.concatenate([low.min(0), high.max(0)])
        if found.masks is not None and merged.masks is not None:
            union = _union([found.masks[i] for i in groups[k]])
            merged.masks[k] = union
            if union.area():
                merged.boxes[k] = union.box()
    return merged


def _whole_one(parts: _Parts, members: list[int], margin: float) -> int | None:
    """The best part that its tile does not cut, unless others reach out of that tile; None: a union is called for."""
    one = next((i for i in members if not parts.cut[i].any()), None)
    if one is None or len(members) == 1:
        return members[0] if len(members) == 1 else None
    boxes = parts.found.boxes[members].astype(np.float64)
    beyond = _depths(boxes, parts.windows[parts.tile[one]]) < -_slack(boxes, margin)
    return None if beyond.any() else one


def _union(masks: Sequence[Mask]) -> Mask:
    drawn = [mask for mask in masks if mask.area()]
    if not drawn:
        return Mask((0, 0), (0, 0), np.zeros(0, np.int64))
    low = np.min([mask.offset for mask in drawn], axis=0)
    union = np.zeros(np.max([np.add(m.offset, m.shape) for m in drawn], axis=0) - low, dtype=bool)
    for mask in drawn:
        union[mask.moved((-low).tolist()).slices()] |= mask.window()
    return Mask.of(low, union)


def _without_second_opinions(
    parts: _Parts, groups: list[list[int]], merged: Found, near: Sequence[tuple[int, int]]
) -> Array:
    """Bool ``[M]``: the objects that stay, once those are gone that better ones of other tiles cover."""
    cover = _cover(merged)
    of = {i: k for k, members in enumerate(groups) for i in members}
    tiles = [{int(parts.tile[i]) for i in members} for members in groups]
    neighbours: dict[int, set[int]] = defaultdict(set)
    for i, j in near:
        a, c = of.get(i), of.get(j)
        if a is not None and c is not None and not tiles[a] & tiles[c]:
            neighbours[a].add(c)
            neighbours[c].add(a)
    remains = [len(members) == 1 and bool(parts.cut[members[0]].any()) for members in groups]
    keep, done = np.ones(len(merged), dtype=bool), set()
    for k in sorted(range(len(groups)), key=lambda k: (remains[k], -float(merged.scores[k]))):
        better = [other for other in neighbours[k] if other in done]
        keep[k] = not better or _covered(cover, k, better) < COVERED
        if keep[k]:
            done.add(k)
    return keep


def _covered(cover: Sequence[Mask], k: int, others: Sequence[int]) -> float:
    """What part of object k lies under any of the others."""
    own = cover[k].window()
    under, window = np.zeros_like(own), cover[k].box().astype(np.float64)
    for other in others:
        low, values = _crop(cover[other], window)
        y, x = np.subtract(low, cover[k].offset)
        under[y : y + values.shape[0], x : x + values.shape[1]] |= values
    return float((own & under).sum() / max(own.sum(), 1))
