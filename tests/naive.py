"""The slow, obvious twin of every op: one scalar after another, in any number of dimensions D.

Nothing here is clever or fast, so that it can be checked by reading. Boxes are sequences of 2D numbers, low corner then
high corner, x first; shapes, strides and grids are in tensor order (..., z, y, x). Numpy arrays only store.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Box = Sequence[float]


def sides(box: Box) -> list[tuple[float, float]]:
    """(low, high) along each axis, x first."""
    ndim = len(box) // 2
    return [(box[axis], box[ndim + axis]) for axis in range(ndim)]


def volume(box: Box) -> float:
    return math.prod(high - low for low, high in sides(box))


def intersection(a: Box, b: Box) -> float:
    shared = 1.0
    for (low_a, high_a), (low_b, high_b) in zip(sides(a), sides(b)):
        shared *= max(min(high_a, high_b) - max(low_a, low_b), 0.0)
    return shared


def iou(a: Box, b: Box) -> float:
    shared = intersection(a, b)
    union = volume(a) + volume(b) - shared
    return shared / union if union > 0 else 0.0


def coverage(a: Box, b: Box) -> float:
    """The part of ``a`` that lies in ``b``."""
    return intersection(a, b) / volume(a) if volume(a) > 0 else 0.0


def clip(box: Box, spatial_shape: Sequence[int]) -> list[float]:
    limits = [*reversed(spatial_shape)] * 2
    return [min(max(coordinate, 0.0), limit) for coordinate, limit in zip(box, limits)]


def is_larger(box: Box, min_size: float) -> bool:
    return all(high - low >= min_size if min_size > 0 else high > low for low, high in sides(box))


def encode(box: Box, reference: Box, weights: Sequence[float]) -> list[float]:
    shifts, scales = [], []
    for (low, high), (reference_low, reference_high) in zip(sides(box), sides(reference)):
        length = reference_high - reference_low
        shifts.append(((low + high) / 2 - (reference_low + reference_high) / 2) / length)
        scales.append(math.log((high - low) / length))
    return [delta * weight for delta, weight in zip(shifts + scales, weights)]


def decode(
    deltas: Sequence[float], reference: Box, weights: Sequence[float], max_scale: float = math.log(1000 / 16)
) -> list[float]:
    ndim = len(reference) // 2
    lows, highs = [], []
    for axis, (reference_low, reference_high) in enumerate(sides(reference)):
        length = reference_high - reference_low
        centre = (reference_low + reference_high) / 2 + deltas[axis] / weights[axis] * length
        new_length = length * math.exp(min(deltas[ndim + axis] / weights[ndim + axis], max_scale))
        lows.append(centre - new_length / 2)
        highs.append(centre + new_length / 2)
    return lows + highs


def cell_anchors(sizes: Sequence[float], shapes: Sequence[Sequence[float]], rounded: bool) -> list[list[float]]:
    anchors = []
    for shape in shapes:
        for size in sizes:
            half = [size * factor / 2 for factor in shape]
            half = [round(length) for length in half] if rounded else half
            anchors.append([-length for length in half] + half)
    return anchors


def grid_anchors(cells: Sequence[Box], grid_shape: Sequence[int], stride: Sequence[float]) -> list[list[float]]:
    anchors = []
    for position in np.ndindex(*grid_shape):
        centre = [k * step for k, step in zip(position, stride)][::-1]
        for cell in cells:
            anchors.append([offset + coordinate for offset, coordinate in zip(centre * 2, cell)])
    return anchors


def read_field(
    logits: Sequence[Sequence[float]], anchors: Sequence[Box], box: Box, nearest: int, sharpness: float
) -> list[float]:
    """Of one image: logits of every class at every anchor, read at ``box`` between the anchors most like it."""
    overlaps = [iou(box, anchor) for anchor in anchors]
    chosen = by_score(overlaps)[:nearest]
    weights = [math.exp(sharpness * overlaps[i]) for i in chosen]
    classes = range(len(logits[0]))
    return [sum(w * logits[i][k] for w, i in zip(weights, chosen)) / sum(weights) for k in classes]


def nms(boxes: Sequence[Box], scores: Sequence[float], threshold: float) -> list[int]:
    """Greedy: down the scores, keep a box unless a box kept before overlaps it by more than ``threshold``."""
    kept: list[int] = []
    for i in by_score(scores):
        if all(iou(boxes[k], boxes[i]) <= threshold for k in kept):
            kept.append(i)
    return kept


def grouped_nms(boxes: Sequence[Box], scores: Sequence[float], groups: Sequence[int], threshold: float) -> list[int]:
    """Greedy, but only a box of the same group suppresses."""
    kept: list[int] = []
    for i in by_score(scores):
        if all(iou(boxes[k], boxes[i]) <= threshold for k in kept if groups[k] == groups[i]):
            kept.append(i)
    return kept


def by_score(scores: Sequence[float]) -> list[int]:
    """Indices, best first; equal scores in the given order."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


def read_pulled(grid: np.ndarray, position: Sequence[float]) -> float:
    """The value between samples: 0 more than one sample outside the grid, the border's value nearer than that."""
    if any(p < -1 or p > n for p, n in zip(position, grid.shape)):
        return 0.0
    return read_framed(grid, [min(max(p, 0.0), n - 1.0) for p, n in zip(position, grid.shape)])


def read_framed(grid: np.ndarray, position: Sequence[float]) -> float:
    """The value between samples of a grid that goes on with zeros; sample k lies at k."""
    value = 0.0
    for corner in itertools.product((0, 1), repeat=grid.ndim):
        index = tuple(math.floor(p) + up for p, up in zip(position, corner))
        weight = math.prod(1 - abs(p - k) for p, k in zip(position, index))
        if all(0 <= k < n for k, n in zip(index, grid.shape)):
            value += weight * float(grid[index])
    return value


def roi_align(
    features: np.ndarray,
    box: Box,
    stride: Sequence[float],
    output_size: Sequence[int],
    sampling_ratio: int,
    aligned: bool,
) -> np.ndarray:
    """One box on one image: features ``[C, *S]`` to ``[C, *output_size]``."""
    starts, lengths, counts = [], [], []
    for (low, high), step, bins in zip(reversed(sides(box)), stride, output_size):
        low, high = low / step, high / step
        starts.append(low - 0.5 if aligned else low)
        lengths.append((high - low if aligned else max(high - low, 1.0)) / bins)
        counts.append(sampling_ratio if sampling_ratio > 0 else math.ceil(abs(lengths[-1])))
    pooled = np.zeros((len(features), *output_size))
    for channel, grid in enumerate(features):
        for each_bin in np.ndindex(*output_size):
            for sample in np.ndindex(*counts):
                position = [
                    start + (b + (s + 0.5) / count) * length
                    for start, b, s, count, length in zip(starts, each_bin, sample, counts, lengths)
                ]
                pooled[(channel, *each_bin)] += read_pulled(grid, position) / math.prod(counts)
    return pooled


def assign_level(
    box: Box, num_levels: int, finest_level: int, canonical_size: float, canonical_level: int, epsilon_inside: bool
) -> int:
    ratio = volume(box) ** (1 / len(sides(box))) / canonical_size
    octave = math.log2(ratio + 1e-8) if epsilon_inside else math.log2(ratio) + 1e-6
    level = math.floor(canonical_level + octave)
    return min(max(level - finest_level, 0), num_levels - 1)


BELOW, BETWEEN = -1, -2


def match(overlaps: Sequence[Sequence[float]], count: int, high: float, low: float, keep_best: bool) -> list[int]:
    """``overlaps[g][p]`` of object g and prediction p of ``count``: the object of each prediction."""
    matched = []
    for p in range(count):
        column = [row[p] for row in overlaps]
        top = max(column, default=0.0)
        answer = BELOW if top < low or not column else BETWEEN if top < high else column.index(top)
        for row in overlaps if keep_best else ():
            if row[p] == max(row) and row[p] > 0:
                answer = column.index(top)
        matched.append(answer)
    return matched


def paste_mask(mask: np.ndarray, box: Box, spatial_shape: Sequence[int]) -> np.ndarray:
    """The full-size image: the mask read at the centre of each sample that the box touches, 0 elsewhere."""
    pasted = np.zeros(spatial_shape)
    for index in np.ndindex(*spatial_shape):
        along = list(zip(index, reversed(sides(box)), mask.shape))
        if all(k + 1 > low and k < high for k, (low, high), _ in along):
            position = [(k + 0.5 - low) / (high - low) * bins - 0.5 for k, (low, high), bins in along]
            pasted[index] = read_framed(mask, position)
    return pasted


def crop_mask(mask: np.ndarray, box: Box, output_size: Sequence[int], aligned: bool = True) -> np.ndarray:
    """What part of each bin of ``box`` a dense, full-size mask covers."""
    return roi_align(mask[None].astype(float), box, (1,) * mask.ndim, output_size, 0, aligned)[0]


def smooth_l1(predictions: Sequence[float], targets: Sequence[float], beta: float) -> float:
    total = 0.0
    for prediction, target in zip(predictions, targets):
        distance = abs(prediction - target)
        total += distance**2 / (2 * beta) if distance < beta else distance - beta / 2
    return total


def cross_entropy(logits: Sequence[float], label: int) -> float:
    return math.log(sum(math.exp(logit) for logit in logits)) - logits[label]


def binary_cross_entropy(logit: float, answer: float) -> float:
    probability = 1 / (1 + math.exp(-logit))
    return -answer * math.log(probability) - (1 - answer) * math.log(1 - probability)


def propose(
    logits: Sequence[Sequence[float]],
    deltas: Sequence[Sequence[Sequence[float]]],
    anchors: Sequence[Sequence[Box]],
    spatial_shape: Sequence[int],
    pre_nms: int,
    post_nms: int,
    threshold: float,
    min_size: float,
) -> list[list[float]]:
    """The proposals of one image; the first three hold a sequence for each level."""
    boxes, scores, levels = [], [], []
    for level, (level_logits, level_deltas, level_anchors) in enumerate(zip(logits, deltas, anchors)):
        for i in by_score(level_logits)[:pre_nms]:
            box = clip(decode(level_deltas[i], level_anchors[i], [1.0] * len(level_anchors[i])), spatial_shape)
            if is_larger(box, min_size):
                boxes.append(box)
                scores.append(level_logits[i])
                levels.append(level)
    return [boxes[k] for k in grouped_nms(boxes, scores, levels, threshold)[:post_nms]]


def detect(
    logits: Sequence[Sequence[float]],
    deltas: Sequence[Sequence[Sequence[float]]],
    proposals: Sequence[Box],
    spatial_shape: Sequence[int],
    score_threshold: float,
    nms_threshold: float,
    max_detections: int,
    min_size: float,
) -> list[tuple[list[float], int, float]]:
    """(box, label, score) of one image; ``deltas[p]`` holds one row for each class, or one for all."""
    ndim = len(spatial_shape)
    boxes, labels, scores = [], [], []
    for p, proposal in enumerate(proposals):
        total = sum(math.exp(logit) for logit in logits[p])
        for label in range(1, len(logits[p])):
            score = math.exp(logits[p][label]) / total
            own = deltas[p][label - 1 if len(deltas[p]) > 1 else 0]
            box = clip(decode(own, proposal, [10.0] * ndim + [5.0] * ndim), spatial_shape)
            if score > score_threshold and is_larger(box, min_size):
                boxes.append(box)
                labels.append(label)
                scores.append(score)
    return [(boxes[k], labels[k], scores[k]) for k in grouped_nms(boxes, scores, labels, nms_threshold)][
        :max_detections
    ]


def keypoint_bin(point: Sequence[float], visibility: float, box: Box, bins: Sequence[int]) -> tuple[int, ...] | None:
    """The bin (tensor order) of a point in the heatmap over its box; None if it is not labelled or outside."""
    position = []
    for at, (low, high), count in zip(reversed(point), reversed(sides(box)), bins):
        if visibility <= 0 or not high > low or not low <= at <= high:
            return None
        position.append(min(math.floor((at - low) / (high - low) * count), count - 1))
    return tuple(position)


def heatmap_point(logits: np.ndarray, box: Box, reach: int) -> tuple[list[float], float]:
    """The mean (x first) of a heatmap's softmax near its peak, and how much of it is there."""
    total = sum(math.exp(logit) for logit in logits.flat)
    peak = max(np.ndindex(*logits.shape), key=lambda index: logits[index])
    mean, mass = [0.0] * logits.ndim, 0.0
    for index in np.ndindex(*logits.shape):
        if all(abs(k - top) <= reach for k, top in zip(index, peak)):
            probability = math.exp(logits[index]) / total
            mass += probability
            mean = [m + probability * (k + 0.5) for m, k in zip(mean, index)]
    along = zip(mean, logits.shape, reversed(sides(box)))
    return [low + m / mass / count * (high - low) for m, count, (low, high) in along][::-1], mass


def render_mask(
    mask: np.ndarray, scale: Sequence[float], shift: Sequence[float], spatial_shape: Sequence[int]
) -> np.ndarray:
    """A dense mask seen through ``target = scale * source + shift`` (x first): each sample looks at its centre."""
    rendered = np.zeros(spatial_shape, dtype=bool)
    for index in np.ndindex(*spatial_shape):
        along = zip(index, reversed(scale), reversed(shift))
        source = tuple(math.floor((k + 0.5 - b) / a) for k, a, b in along)
        if all(0 <= k < side for k, side in zip(source, mask.shape)):
            rendered[index] = mask[source]
    return rendered


def tight_box(mask: np.ndarray) -> list[float]:
    """The box of a dense mask that holds something."""
    covered = [index for index in np.ndindex(*mask.shape) if mask[index]]
    axes = list(reversed(list(zip(*covered))))
    return [float(min(axis)) for axis in axes] + [float(max(axis) + 1) for axis in axes]


def paste_objects(
    image: np.ndarray, masks: Sequence[np.ndarray], donor: np.ndarray, pasted: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Image ``[C, *S]`` below the donor's objects, and what is seen of the dense masks that were there before."""
    composed, seen = image.copy(), [mask.copy() for mask in masks]
    for index in np.ndindex(*pasted[0].shape):
        if any(mask[index] for mask in pasted):
            composed[(slice(None), *index)] = donor[(slice(None), *index)]
            for mask in seen:
                mask[index] = False
    return composed, seen


def pasted(
    image: np.ndarray, numbers: np.ndarray, colours: np.ndarray, cover: np.ndarray, corner: Sequence[int], number: int
) -> tuple[np.ndarray, np.ndarray]:
    """A window of an object laid over an image at ``corner``, sample by sample; covers of half or more are numbered."""
    image, numbers = image.copy(), numbers.copy()
    for place in np.ndindex(*cover.shape):
        there = tuple(c + p for c, p in zip(corner, place))
        if all(0 <= t < extent for t, extent in zip(there, numbers.shape)):
            for channel in range(image.shape[-1]):
                under, over = float(image[(*there, channel)]), float(colours[(*place, channel)])
                image[(*there, channel)] = round(under + float(cover[place]) * (over - under))
            if cover[place] >= 0.5:
                numbers[there] = number
    return image, numbers


def merge_tiles(
    parts: Sequence[tuple[int, int, float, Box, np.ndarray]],
    tiles: Sequence[Box],
    spatial_shape: Sequence[int],
    margin: float,
) -> list[tuple[int, float, np.ndarray]]:
    """(label, score, full-size mask) of each object, best first, from (tile, label, score, box, full-size mask).

    The rules of ``inference/tiling/merging.py``, on masks that are all as large as the image; no mask may be empty.
    """
    count, shape = len(parts), list(reversed(spatial_shape))
    tile_of = [part[0] for part in parts]
    looks = []  # for each tile: where it looks
    for tile in tiles:
        looks.append(np.zeros(spatial_shape, bool))
        looks[-1][tuple(slice(int(low), int(high)) for low, high in reversed(sides(tile)))] = True

    def touches(box: Box, tile: Box, reach: float) -> list[bool]:
        near = [margin + 0.03 * (high - low) for low, high in sides(box)]
        lows = [a - b <= reach * n and b > 0 for (a, _), (b, _), n in zip(sides(box), sides(tile), near)]
        highs = [b - a <= reach * n and b < s for (_, a), (_, b), n, s in zip(sides(box), sides(tile), near, shape)]
        return lows + highs

    def further(a: Box, b: Box) -> list[float]:
        """How much further tile b looks than tile a, at each side."""
        return [p[0] - q[0] for p, q in zip(sides(a), sides(b))] + [q[1] - p[1] for p, q in zip(sides(a), sides(b))]

    cut = [touches(part[3], tiles[part[0]], 1) for part in parts]

    def sees_better(t: int, i: int) -> bool:
        own = tiles[tile_of[i]]
        if t == tile_of[i] or intersection(own, tiles[t]) == 0:
            return False
        more, near = further(own, tiles[t]), touches(parts[i][3], tiles[t], 2)
        inside = all(low >= a and high <= b for (low, high), (a, b) in zip(sides(parts[i][3]), sides(tiles[t])))
        sees_all = all(m >= 0 or (inside and not n) for m, n in zip(more, near))
        return sees_all and any(c and m > 0 for c, m in zip(cut[i], more))

    def agreement(i: int, j: int) -> float | None:
        """IoU where both tiles look; None if the two are not one object."""
        if parts[i][1] != parts[j][1] or tile_of[i] == tile_of[j]:
            return None
        zone = looks[tile_of[i]] & looks[tile_of[j]]
        a, b = parts[i][4] & zone, parts[j][4] & zone
        both = int((a & b).sum())
        if both == 0:
            return None
        overlap = both / int((a | b).sum())
        differ = sum(p != q for p, q in zip(sides(tiles[tile_of[i]]), sides(tiles[tile_of[j]])))
        for k, own, other in ((i, a, j), (j, b, i)):
            more = further(tiles[tile_of[k]], tiles[tile_of[other]])
            if differ == 1 and any(c and m > 0 for c, m in zip(cut[k], more)) and both >= 0.75 * int(own.sum()):
                return overlap
        return overlap if overlap > 0.5 else None

    def touch(i: int, j: int) -> bool:
        a, b = np.argwhere(parts[i][4]), np.argwhere(parts[j][4])
        return all(max(p.min(), q.min()) <= min(p.max(), q.max()) + 1 for p, q in zip(a.T, b.T))

    agreements = {(i, j): agreement(i, j) for i in range(count) for j in range(i)}
    edges = [(-a, j, i) for (i, j), a in agreements.items() if a is not None]
    stays = [not any(sees_better(t, i) for t in range(len(tiles))) for i in range(count)]
    for _, i, j in edges:
        if sees_better(tile_of[i], j) and sees_better(tile_of[j], i):
            stays[i] = stays[j] = True
    groups = [{i} for i in range(count) if stays[i]]
    for _, i, j in sorted(edges):
        if stays[i] and stays[j]:
            a, b = (next(group for group in groups if k in group) for k in (i, j))
            if a is not b and not any(tile_of[p] == tile_of[q] and touch(p, q) for p in a for q in b):
                groups = [group for group in groups if group is not a and group is not b] + [a | b]

    objects = []
    for group in groups:
        ranked = sorted(group, key=lambda i: -parts[i][2])
        whole = [i for i in ranked if not any(cut[i])]
        mask = np.any([parts[i][4] for i in group], axis=0)
        for i in whole[:1]:
            reaches = [
                [a - low > margin + 0.03 * (high - low), high - b > margin + 0.03 * (high - low)]
                for k in group
                for (low, high), (a, b) in zip(sides(parts[k][3]), sides(tiles[tile_of[i]]))
            ]
            if not np.any(reaches):
                mask = parts[i][4]
        remains = len(group) == 1 and any(cut[ranked[0]])
        objects.append((remains, -parts[ranked[0]][2], parts[ranked[0]][1], {tile_of[i] for i in group}, mask))
    kept: list[tuple[bool, float, int, set[int], np.ndarray]] = []
    for found in sorted(objects, key=lambda o: o[:2]):
        others = [o[4] for o in kept if o[2] == found[2] and not o[3] & found[3]]
        covered = np.any(others, axis=0) & found[4] if others else np.zeros(spatial_shape, bool)
        if covered.sum() < 0.5 * found[4].sum():
            kept.append(found)
    return [(label, -score, mask) for _, score, label, _, mask in sorted(kept, key=lambda o: o[1])]


def generalized_iou(a: list[float], b: list[float]) -> float:
    """IoU less the empty part of the common hull, axis by axis."""
    ndim = len(a) // 2
    shared = hull = volume_a = volume_b = 1.0
    for axis in range(ndim):
        a_low, a_high, b_low, b_high = a[axis], a[ndim + axis], b[axis], b[ndim + axis]
        shared *= max(0.0, min(a_high, b_high) - max(a_low, b_low))
        hull *= max(a_high, b_high) - min(a_low, b_low)
        volume_a *= a_high - a_low
        volume_b *= b_high - b_low
    union = volume_a + volume_b - shared
    return (shared / union if union > 0 else 0.0) - ((hull - union) / hull if hull > 0 else 0.0)


def enlarged_peak(heatmap: np.ndarray, shape: Sequence[int]) -> tuple[int, ...]:
    """Where a heatmap ``[*M]``, enlarged to ``shape`` by Keys' cubic kernel (a = -0.75), is highest: bin after bin."""

    def kernel(t: float) -> float:
        t = abs(t)
        if t <= 1:
            return 1.25 * t**3 - 2.25 * t**2 + 1
        return -0.75 * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0

    best, where = -math.inf, (0,) * len(shape)
    for position in itertools.product(*map(range, shape)):
        centre = [(p + 0.5) * m / s - 0.5 for p, m, s in zip(position, heatmap.shape, shape)]
        total = 0.0
        for taps in itertools.product(*(range(math.floor(c) - 1, math.floor(c) + 3) for c in centre)):
            inside = tuple(min(max(tap, 0), m - 1) for tap, m in zip(taps, heatmap.shape))
            total += float(heatmap[inside]) * math.prod(kernel(c - tap) for c, tap in zip(centre, taps))
        if total > best:
            best, where = total, position
    return where


def flooded(values: np.ndarray, corners: bool) -> np.ndarray:
    """Numbers of connected parts, one flood after another."""
    parts = np.zeros(values.shape, dtype=np.int64)
    for first in np.ndindex(values.shape):
        if values[first] == 0 or parts[first]:
            continue
        number, front = parts.max() + 1, [first]
        while front:
            here = front.pop()
            if parts[here] or values[here] != values[first]:
                continue
            parts[here] = number
            for step in itertools.product((-1, 0, 1), repeat=values.ndim):
                there = tuple(a + d for a, d in zip(here, step))
                near = corners or sum(map(abs, step)) == 1
                if near and all(0 <= a < side for a, side in zip(there, values.shape)):
                    front.append(there)
    return parts


def fill_rings(rings: Sequence[Sequence[tuple[float, float]]], shape: Sequence[int]) -> np.ndarray:
    """Pixels ``[H, W]`` whose centre has an odd number of upright sides of the rings to its right."""
    inside = np.zeros(shape, bool)
    for row, column in np.ndindex(*shape):
        for ring in rings:
            for (x1, y1), (_, y2) in zip(ring, [*ring[1:], ring[0]]):
                if (y1 > row + 0.5) != (y2 > row + 0.5) and x1 > column + 0.5:
                    inside[row, column] ^= True
    return inside


def read_linear(grid: np.ndarray, position: Sequence[float]) -> float:
    """The value at continuous coordinates in which sample k lies at k + 0.5; the border's value beyond the border."""
    inside = [min(max(p - 0.5, 0.0), n - 1.0) for p, n in zip(position, grid.shape)]
    return read_framed(grid, inside)


def resample_linear(grid: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """``[C, *S]`` on the grid of ``shape``, corners not aligned."""
    out = np.zeros((len(grid), *shape))
    for channel, place in itertools.product(range(len(grid)), np.ndindex(*shape)):
        position = [(p + 0.5) * old / new for p, old, new in zip(place, grid.shape[1:], shape)]
        out[(channel, *place)] = read_linear(grid[channel], position)
    return out


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, dilation: int = 1) -> np.ndarray:
    """``[C, *S]`` by ``[O, C, *kernel]``, zeros beyond the border, as large as before."""
    out = np.zeros((len(weight), *x.shape[1:]))
    middle = [k // 2 for k in weight.shape[2:]]
    for channel, place in itertools.product(range(len(weight)), np.ndindex(*x.shape[1:])):
        total = 0.0 if bias is None else float(bias[channel])
        for before, tap in itertools.product(range(len(x)), np.ndindex(*weight.shape[2:])):
            at = tuple(p + dilation * (t - m) for p, t, m in zip(place, tap, middle))
            if all(0 <= a < side for a, side in zip(at, x.shape[1:])):
                total += float(x[(before, *at)]) * float(weight[(channel, before, *tap)])
        out[(channel, *place)] = total
    return out


def semantic_branch(levels: Sequence[np.ndarray], climbs: Sequence[Sequence[Any]], classify: Any) -> np.ndarray:
    """Panoptic FPN's branch: each level climbs to the finest in steps, all are summed, and a layer tells the classes.

    Args:
        levels: ``[C, *S]`` each, finest first.
        climbs: of each level its steps, functions of arrays; after each but the finest level's one the grid is that of
            the next finer level.
        classify: the last layer.
    """
    total = climbs[0][0](levels[0])
    for level in range(1, len(levels)):
        x = levels[level]
        for number, step in enumerate(climbs[level]):
            x = resample_linear(step(x), levels[level - 1 - number].shape[1:])
        total = total + x
    return classify(total)


def semantic_losses(
    logits: np.ndarray,
    rows: np.ndarray,
    weights: Sequence[float],
    hardest: float = 1.0,
    unsearched: Sequence[int] = (),
) -> tuple[float, int, float, int]:
    """Of one image ``[C, *S]`` and its rows ``[*S]`` (-1: unlabelled): cross entropy and how many samples it is of,
    Dice and how many classes."""
    entropies = []
    sure: list[tuple[int, list[float]]] = []
    for place in np.ndindex(*rows.shape):
        row = int(rows[place])
        if row == -1:
            continue
        exponents = [math.exp(float(logit)) for logit in logits[(slice(None), *place)]]
        chance = [e / sum(exponents) for e in exponents]
        maybe = row == 0 and len(unsearched) > 0
        meant = [0, *unsearched] if maybe else [row]
        entropies.append(-math.log(sum(chance[k] for k in meant)) * weights[row])
        if not maybe:
            sure.append((row, chance))
    counted = sorted(entropies, reverse=True)[: math.ceil(hardest * len(entropies))]
    dice = []
    for k in sorted({row for row, _ in sure}):
        both = sum(chance[k] for row, chance in sure if row == k)
        said, true = sum(chance[k] for _, chance in sure), sum(row == k for row, _ in sure)
        dice.append(1 - (2 * both + 1) / (said + true + 1))
    return sum(counted), len(counted), sum(dice), len(dice)


def buffered_iou(expected: Box, seen: Box, buffer: float) -> float:
    """IoU of two boxes that have grown on each side by a part of their own size."""
    grown = []
    for box in (expected, seen):
        lows = [low - buffer * (high - low) for low, high in sides(box)]
        highs = [high + buffer * (high - low) for low, high in sides(box)]
        grown.append(lows + highs)
    return iou(*grown)


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Of each sample to the nearest one of the other kind, which surrounds the window too; below 0 outside."""
    padded = np.pad(mask, 1)
    places = list(np.ndindex(*padded.shape))
    field = np.zeros(padded.shape)
    for here in places:
        others = [math.dist(here, there) for there in places if padded[there] != padded[here]]
        field[here] = (1 if padded[here] else -1) * min(others)
    return field[tuple(slice(1, -1) for _ in mask.shape)]


def moved_mask_iou(a: np.ndarray, b: np.ndarray, shift: Sequence[int]) -> float:
    """IoU of two masks ``[*S]`` of one canvas, the first shifted by whole samples, perhaps beyond the canvas."""
    first = {tuple(p + s for p, s in zip(place, shift)) for place in np.ndindex(*a.shape) if a[place]}
    second = {place for place in np.ndindex(*b.shape) if b[place]}
    return len(first & second) / len(first | second) if first & second else 0.0


def moved_shared_samples(a: np.ndarray, b: np.ndarray, shift: Sequence[int]) -> int:
    """How many samples two masks of one canvas share, the first shifted as in :func:`moved_mask_iou`."""
    first = {tuple(p + s for p, s in zip(place, shift)) for place in np.ndindex(*a.shape) if a[place]}
    return sum(place in first for place in np.ndindex(*b.shape) if b[place])


def mean_inside(output: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The mean of ``[C, *S]`` over the samples of an object, each counted by its part ``[*S]`` of it, of length 1."""
    total = sum(output[(slice(None), *place)] * inside[place] for place in np.ndindex(*inside.shape))
    mean = total / inside.sum()
    return mean / math.sqrt(sum(value * value for value in mean))


def alike(one: np.ndarray, other: np.ndarray, usual: np.ndarray, faint: float) -> float:
    """How alike two rows ``[E]`` differ from what is usual, 0..1."""
    a, b = [x - u for x, u in zip(one, usual)], [x - u for x, u in zip(other, usual)]
    shared = sum(x * y for x, y in zip(a, b))
    lengths = sum(x * x for x in a) + sum(y * y for y in b)
    return float(min(max((2 * shared + faint) / (lengths + faint), 0.0), 1.0))


def doubles(masks: np.ndarray, scores: Sequence[float], part: float) -> list[bool]:
    """Which of the masks ``[N, *S]`` lies by ``part`` in that of one that is surer, or as sure and before it."""
    answers = []
    for i, mask in enumerate(masks):
        surer = [j for j in range(len(masks)) if scores[j] > scores[i] or (scores[j] == scores[i] and j < i)]
        answers.append(bool(mask.any()) and any((mask & masks[j]).sum() >= part * mask.sum() for j in surer))
    return answers


def best_assignment(worth: np.ndarray) -> float:
    """The largest sum of ``worth [T, N]`` over pairs, no row and no column twice."""
    rows, columns = worth.shape
    if rows > columns:
        return best_assignment(worth.T)
    ways = itertools.permutations(range(columns), rows)
    return max((sum(worth[i, j] for i, j in enumerate(way)) for way in ways), default=0.0)


def kalman_step(
    state: np.ndarray, spread: np.ndarray, seen: float | None, kept: float, added: float, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """A coordinate and its velocity ``[2]`` with their covariance ``[2, 2]``, a frame later, by the textbook.

    ``kept`` is the part of the velocity that is left afterwards, ``added`` the variance that it gains; ``seen``, with
    the variance ``noise``, is where the coordinate was seen then, if it was.
    """
    forward = np.array([[1.0, 1.0], [0.0, kept]])
    state = forward @ state
    spread = forward @ spread @ forward.T + np.diag([0.0, added])
    if seen is None:
        return state, spread
    looks = np.array([[1.0, 0.0]])
    gain = spread @ looks.T / (looks @ spread @ looks.T + noise)
    state = state + (gain * (seen - state[0])).ravel()
    return state, (np.eye(2) - gain @ looks) @ spread


def hits_and_switches(frames: Sequence[tuple[list[int], list[int], np.ndarray]]) -> tuple[int, int]:
    """Of MOTA: each frame's pairs are those of all ways to pair that keep the most pairs of the last frame, and overlap
    most then. Numbers of what is labelled, of what is found, and their overlaps."""
    ever: dict[int, int] = {}
    before: dict[int, int] = {}
    hits = switches = 0
    for truth, found, overlap in frames:
        if not truth or not found:
            continue
        best: tuple[float, list[tuple[int, int]]] = (-1.0, [])
        places = [*range(len(found)), *[-1] * len(truth)]  # -1: with nothing
        for way in set(itertools.permutations(places, len(truth))):
            pairs = [(i, j) for i, j in enumerate(way) if j >= 0 and overlap[i, j] >= 0.5]
            worth = sum(1000 * (before.get(truth[i]) == found[j]) + overlap[i, j] for i, j in pairs)
            best = max(best, (worth, pairs))
        before = {truth[i]: found[j] for i, j in best[1]}
        hits += len(before)
        switches += sum(ever.get(a, b) != b for a, b in before.items())
        ever.update(before)
    return hits, switches


def crossings(depths: Sequence[float], margin: float, begun: bool) -> list[str]:
    """Of one coordinate over time: ``in`` where it is surely positive after it was surely negative, ``out`` the other
    way. With ``begun`` its first sign counts as sure."""
    sure = [depth for k, depth in enumerate(depths) if abs(depth) >= margin or (begun and k == 0)]
    ways = ["in" if after > 0 else "out" for before, after in zip(sure, sure[1:]) if (before > 0) != (after > 0)]
    return ways


def cost_of_sides(
    points: np.ndarray, mirrored: Sequence[int], exchanged: Sequence[bool], size: float, doubt: float, farthest: float
) -> float:
    """What it costs to exchange left and right in some frames; those in which nothing is known (scores of 0.3 or more)
    are passed over."""
    total, before = 0.0, None
    for frame, swap in zip(points, exchanged):
        now = frame[list(mirrored)] if swap else frame
        if not (now[:, -1] >= 0.3).any():
            continue
        total += doubt * sum(point[-1] >= 0.3 for point in now) * swap
        for a, b in zip(before if before is not None else now, now):
            known = int(a[-1] >= 0.3) + int(b[-1] >= 0.3)
            total += [0.0, farthest, min(math.dist(a[:-1], b[:-1]) / size, farthest)][known]
        before = now
    return total


def likeliest_path(places: np.ndarray, scores: np.ndarray, times: np.ndarray, cutoff: float) -> np.ndarray:
    """One coordinate whose velocity drifts, given its sightings: all at once, as the mean of a joint normal
    distribution of places and velocities at all times."""
    count, usual = len(places), float(np.median(np.diff(times)))
    drift = (2 * np.pi * cutoff) ** 4 * usual
    first = next((k for k in range(count) if scores[k] > 0), 0)
    precision, linear = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
    precision[0, 0], precision[1, 1], linear[0] = 1e-6, 1e-6 * usual**2, 1e-6 * places[first]
    for k in range(count):
        precision[2 * k, 2 * k] += scores[k] ** 2
        linear[2 * k] += scores[k] ** 2 * places[k]
        if k:
            dt = times[k] - times[k - 1]
            noise = drift * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
            link = np.concatenate([-np.array([[1, dt], [0, 1]]), np.eye(2)], 1)
            own = slice(2 * k - 2, 2 * k + 2)
            precision[own, own] += link.T @ np.linalg.inv(noise) @ link
    return np.linalg.solve(precision, linear)[::2]


def short_gaps(known: Sequence[bool], longest: int) -> list[bool]:
    """Which frames lie in a gap of at most so many frames between two that are known."""
    inside = []
    for k, is_known in enumerate(known):
        before = next((j for j in range(k, -1, -1) if known[j]), None)
        after = next((j for j in range(k, len(known)) if known[j]), None)
        inside.append(not is_known and before is not None and after is not None and after - before - 1 <= longest)
    return inside


class OneEuro:
    """One point after another by the paper's formulas: cutoffs of 1.5 Hz, 12 Hz more for each size a second, and 1 Hz
    for the speed; what was not seen for half a second begins anew."""

    def __init__(self) -> None:
        self.past: dict[int, tuple[float, np.ndarray, np.ndarray]] = {}

    def smooth(self, number: int, point: np.ndarray, time: float, size: float) -> np.ndarray:
        if point[-1] < 0.3:
            return point
        place = point[:-1]
        seen, before, speed = self.past.get(number, (-np.inf, place, np.zeros_like(place)))
        dt = time - seen
        if dt > 0.5:
            self.past[number] = (time, place, np.zeros_like(place))
            return point

        def alpha(cutoff: float) -> float:
            return 1 / (1 + 1 / (2 * np.pi * cutoff * dt))

        speed = alpha(1.0) * (place - before) / dt + (1 - alpha(1.0)) * speed
        part = alpha(1.5 + 12 * float(np.linalg.norm(speed)) / size)
        smoothed = part * place + (1 - part) * before
        self.past[number] = (time, smoothed, speed)
        return np.append(smoothed, point[-1])


def angle(a: Sequence[float], middle: Sequence[float], b: Sequence[float]) -> float:
    """Degrees between two limbs that meet, by the law of cosines."""
    p, q, r = math.dist(a, middle), math.dist(b, middle), math.dist(a, b)
    return math.degrees(math.acos(max(-1.0, min(1.0, (p * p + q * q - r * r) / (2 * p * q)))))


def in_8_bits(value: float, low: float, high: float) -> float:
    """The nearest of 256 equal steps of ``low..high``, of which one is 0."""
    step = (high - low) / 255
    zero = min(max(round(-low / step), 0), 255)
    return min(((k - zero) * step for k in range(256)), key=lambda step: abs(step - value))


def weights_in_8_bits(weight: np.ndarray) -> np.ndarray:
    """Each output channel ``[O, I, ...]`` in whole parts of its largest weight, 127 on either side of 0; or of the
    largest sum of two that follow each other, input by input or place by place."""
    rounded = np.zeros(weight.shape)
    for own, out in zip(weight, rounded):
        by_input = [float(w) for w in own.flat]
        by_place = [float(own[(i, *at)]) for at in np.ndindex(*own.shape[1:]) for i in range(len(own))]
        pairs = [abs(a + b) for row in (by_input, by_place) for a, b in zip(row, row[1:])]
        part = max([abs(w) for w in by_input] + pairs) / 127
        for index in np.ndindex(*own.shape):
            out[index] = round(float(own[index]) / part) * part
    return rounded


def pooled_by_attention(scores: np.ndarray, attention: np.ndarray) -> tuple[list[float], list[float]]:
    """Attention pooling of one label, place by place: what each contributes, and ``[their sum]``.

    Args:
        scores: ``[*G]``.
        attention: ``[*G]``, before the softmax.

    Returns:
        The contributions in C order, and the logit.
    """
    powers = [math.exp(value) for value in attention.ravel().tolist()]
    shares = [power / sum(powers) for power in powers]
    parts = [share * score for share, score in zip(shares, scores.ravel().tolist())]
    return parts, [sum(parts)]


def area_under_roc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """How often a positive one has the higher score, ties by half, pair by pair."""
    pairs = [(a, b) for a, p in zip(scores, positive) if p for b, q in zip(scores, positive) if not q]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
