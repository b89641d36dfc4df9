"""Surfaces the slow and obvious way: one point, one bin and one sample after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import naive


def place_in_box(place: Sequence[float], box: Sequence[float], bins: Sequence[int]) -> list[float] | None:
    """Where a point (x first) lies among the bins (tensor order) over a box, in tensor order; None outside."""
    inside = []
    for at, (low, high), count in zip(place, naive.sides(box), reversed(bins)):
        if not low <= at < high:
            return None
        inside.append((at - low) / (high - low) * count)
    return inside[::-1]


def decode(
    maps: np.ndarray, coarse: int, region: Sequence[float], low: Sequence[int], high: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Part, u and v of each sample of a window, from all maps read at the sample's centre."""
    count = (len(maps) - coarse) // 3
    shape = tuple(b - a for a, b in zip(low, high))
    parts, uv = np.zeros(shape, np.int64), np.zeros((2, *shape))
    corners = naive.sides(region)[::-1]
    for index in np.ndindex(*shape):
        at = [
            (k + start + 0.5 - a) / (b - a) * bins
            for k, start, (a, b), bins in zip(index, low, corners, maps.shape[1:])
        ]
        values = np.array([naive.read_linear(own, at) for own in maps])
        part = int(values[coarse : coarse + count].argmax())
        if values[:coarse].argmax() > 0 and part > 0:
            parts[index] = part
            uv[(slice(None), *index)] = values[[coarse + count + part, coarse + 2 * count + part]]
    return parts, uv


def cross_entropy_of_any(logits: Sequence[float], allowed: Sequence[int]) -> float:
    """Minus the logarithm of the probability that one of the allowed classes has."""
    weights = [math.exp(value) for value in logits]
    return -math.log(sum(weights[k] for k in allowed) / sum(weights))


def losses(maps, regions, points, masks, surface, coarse, config) -> dict[str, tuple[float, int]]:
    """Sum and count of each loss; see ``losses/surface.py``."""
    count, bins = len(surface.parts) + 1, maps.shape[2:]
    total = dict.fromkeys(("coarse", "part", "u", "v"), 0.0)
    counted = dict.fromkeys(total, 0)

    def add(name: str, loss: float) -> None:
        total[name] += loss
        counted[name] += 1

    def body(logits: np.ndarray, covered: float) -> float:
        likely = cross_entropy_of_any(logits, range(1, coarse)), cross_entropy_of_any(logits, [0])
        return covered * likely[0] + (1 - covered) * likely[1]

    first = 0
    for r, number in enumerate(points.counts.tolist()):
        drawn, covered = points.coarse[r], masks[r]
        for index in np.ndindex(*bins) if drawn is not None or covered is not None else ():
            logits = maps[(r, slice(0, coarse), *index)]
            if drawn is None:
                add("coarse", body(logits, covered[index]))
                continue
            truth = coarse_at(drawn, points.coarse_boxes[r].tolist(), regions[r], index, bins)
            several = coarse > 2 and drawn.max() > 1
            add("coarse", cross_entropy_of_any(logits, [truth]) if several else body(logits, float(truth > 0)))
        for k in range(first, first + number):
            at = place_in_box(points.places[k].tolist(), regions[r], bins)
            if at is None:
                continue
            label, (u, v) = int(points.parts[k]), points.uv[k].tolist()
            read = np.array([naive.read_linear(own, at) for own in maps[r]])
            allowed = [label] if label >= 0 else list(surface.groups[-label - 1])
            add("part", cross_entropy_of_any(read[coarse : coarse + count], allowed))
            if drawn is None and covered is None:
                add("coarse", body(read[:coarse], float(label != 0)))
            if label > 0 and math.isfinite(u) and math.isfinite(v):
                add("u", naive.smooth_l1([read[coarse + count + label]], [u], config.uv_beta))
                add("v", naive.smooth_l1([read[coarse + 2 * count + label]], [v], config.uv_beta))
        first += number
    weights = {"coarse": config.coarse_weight, "part": config.part_weight, "u": config.uv_weight, "v": config.uv_weight}
    return {name: (weights[name] * total[name], counted[name]) for name in total}


def coarse_at(drawn: np.ndarray, box, region, index, bins) -> int:
    """The coarse part at the centre of a bin over a region."""
    ndim = len(bins)
    place = []
    for axis in range(ndim):
        x = ndim - 1 - axis
        at = region[x] + (index[axis] + 0.5) / bins[axis] * (region[x + ndim] - region[x])
        side = math.floor((at - box[x]) / (box[x + ndim] - box[x]) * drawn.shape[axis])
        if not 0 <= side < drawn.shape[axis]:
            return 0
        place.append(side)
    return int(drawn[tuple(place)])
