"""The whole test: residuals, the map, what chance alone gives, corrected p, and the regions where p is small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from maskrcnn.association.clusters import clusters, neighbour_pairs, parts, tfce
from maskrcnn.association.design import Design
from maskrcnn.association.linear_model import effects, permuted_rows, residuals
from maskrcnn.association.permutations import Largest, Maps, corrected_p, false_discovery, largest_by_chance, map_of
from maskrcnn.association.values import Values

Correction = Literal["tfce", "clusters", "voxels", "fdr"]
STEPS = 50  # of TFCE, up to the strongest sample of the labels as they are


@dataclass(frozen=True)
class Question:
    """How it is tested.

    Attributes:
        correct: ``voxels``: the largest sample of a permuted map; ``clusters``: the largest cluster; ``tfce``: the
            largest enhanced sample; ``fdr``: the rate of false discoveries, without permutations.
        level: p from which on something counts as found.
        cluster_level: uncorrected p, two-sided, above which samples form a cluster.
        permutations: how many.
        seed: of the permutations.
    """

    correct: Correction = "tfce"
    level: float = 0.05
    cluster_level: float = 0.001
    permutations: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Part:
    """A connected region in which p is small, everywhere of one sign.

    Attributes:
        number: from 1, in the map of regions; the smallest p first, then the strongest.
        samples: how many.
        peak: index ``(c, *S)`` of the strongest sample.
        statistic: there.
        share: of the variance that is explained there.
        effects: float64 ``[k]``, the mean of the region.
        p: the smallest in it, corrected.
    """

    number: int
    samples: int
    peak: tuple[int, ...]
    statistic: float
    share: float
    effects: np.ndarray
    p: float


@dataclass(frozen=True)
class Answer:
    """What goes with the label.

    Attributes:
        statistic: float32 ``[C, *S]``, t or F, 0 outside the mask.
        effect: float32 ``[C, *S]``: the change of a sample per unit of the label, or the difference of the second
            class from the first; of several classes the share of variance that is explained.
        p: float32 ``[C, *S]``, corrected, 1 outside the mask.
        numbers: int32 ``[C, *S]``, the region of each sample.
        parts: the regions.
        tested: how many samples vary and were tested.
        effects: float64 ``[k, V]``, see :func:`maskrcnn.association.linear_model.effects`.
        share: float64 ``[V]``, see there.
        lengths: float32 ``[V]``, of the residuals of each sample, which stand in the table of values as of length 1.
    """

    statistic: np.ndarray
    effect: np.ndarray
    p: np.ndarray
    numbers: np.ndarray
    parts: tuple[Part, ...]
    tested: int
    effects: np.ndarray
    share: np.ndarray
    lengths: np.ndarray


def analyse(
    values: Values, maps: Maps, design: Design, question: Question, done: Callable[[int], None] = lambda count: None
) -> Answer:
    """Test every sample.

    Args:
        values: samples ``[n, V]``; residuals take their place.
        maps: where the V samples lie.
        design: of the n files.
        question: how it is tested.
        done: is told how many permutations are done.

    Returns:
        The maps and regions.
    """
    k, size = design.tested.shape[1], values.array.shape[1]
    every, share = np.empty((k, size)), np.empty(size)
    lengths = np.empty(size, dtype=np.float32)
    for block in values.blocks():
        unit, own = residuals(np.asarray(values.array[:, block]), design)
        every[:, block], share[block] = effects(unit, own, design)
        values.array[:, block], lengths[block] = unit, own
    identity = np.arange(len(design.tested))[None]
    row = map_of(values, design, permuted_rows(design, identity))[0]
    corrected = _corrected(row, values, maps, design, question, done)
    corrected[lengths == 0] = 1
    statistic, p = maps.spread(row), np.ones(maps.mask.shape, dtype=np.float32)
    p[maps.mask] = corrected
    effect = maps.spread((every[0] if k == 1 else share).astype(np.float32))
    numbers, found = _parts(statistic, p, [maps.spread(one) for one in every], maps.spread(share), question.level)
    return Answer(statistic, effect, p, numbers, found, int(np.count_nonzero(lengths)), every, share, lengths)


def cluster_threshold(design: Design, level: float) -> float:
    """The t (two-sided) or F whose uncorrected p is ``level``."""
    if design.is_t:
        return float(stats.t.isf(level / 2, design.freedom))
    return float(stats.f.isf(level, design.tested.shape[1], design.freedom))


def uncorrected_p(statistic: np.ndarray, design: Design) -> np.ndarray:
    """The two-sided p of each t, or the p of each F, were the residuals normal; float64."""
    wide = np.abs(statistic.astype(np.float64))
    if design.is_t:
        return np.asarray(2 * stats.t.sf(wide, design.freedom))
    return np.asarray(stats.f.sf(wide, design.tested.shape[1], design.freedom))


def _corrected(
    row: np.ndarray, values: Values, maps: Maps, design: Design, question: Question, done: Callable[[int], None]
) -> np.ndarray:
    """p of each sample of ``[V]``, float32."""
    if question.correct == "fdr":
        return false_discovery(uncorrected_p(row, design)).astype(np.float32)
    threshold = cluster_threshold(design, question.cluster_level)
    step = max(float(np.abs(row).max(initial=0.0)) / STEPS, 1e-6)
    pairs = neighbour_pairs(maps.mask)
    measures: dict[Correction, Largest] = {
        "voxels": lambda own: float(np.abs(own).max(initial=0.0)),
        "clusters": lambda own: float(clusters(own, pairs, threshold)[1].max()),
        "tfce": lambda own: float(np.abs(tfce(own, pairs, step)).max(initial=0.0)),
    }
    chosen: dict[str, Largest] = {question.correct: measures[question.correct]}
    chance = largest_by_chance(values, design, chosen, question.permutations, question.seed, done)[question.correct]
    if question.correct == "clusters":
        numbers, sizes = clusters(row, pairs, threshold)
        by_cluster = corrected_p(sizes, chance)
        by_cluster[0] = 1
        own: np.ndarray = by_cluster[numbers]
        return own
    return corrected_p(np.abs(row if question.correct == "voxels" else tfce(row, pairs, step)), chance)


def _parts(
    statistic: np.ndarray, p: np.ndarray, effect: list[np.ndarray], share: np.ndarray, level: float
) -> tuple[np.ndarray, tuple[Part, ...]]:
    small = p <= level * (1 + 1e-6)
    up, count = parts(small & (statistic > 0))
    down, more = parts(small & (statistic < 0))
    labels = up + np.where(down > 0, down + count, 0)
    found = []
    for number in range(1, count + more + 1):
        where = np.nonzero(labels == number)
        peak = int(np.abs(statistic[where]).argmax())
        place = tuple(int(axis[peak]) for axis in where)
        means = np.array([one[where].mean() for one in effect])
        least = float(p[where].min())
        found.append(
            (number, Part(0, len(where[0]), place, float(statistic[place]), float(share[place]), means, least))
        )
    found.sort(key=lambda pair: (pair[1].p, -abs(pair[1].statistic)))
    numbers = np.zeros(count + more + 1, dtype=np.int32)
    for new, (old, _) in enumerate(found, 1):
        numbers[old] = new
    ordered = tuple(
        Part(new, one.samples, one.peak, one.statistic, one.share, one.effects, one.p)
        for new, (_, one) in enumerate(found, 1)
    )
    return numbers[labels], ordered
