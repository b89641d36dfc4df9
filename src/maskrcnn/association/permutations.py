"""The same maps for permuted labels: what the largest statistic is when the label goes with nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from maskrcnn.association.design import Design
from maskrcnn.association.linear_model import permuted_rows, statistics
from maskrcnn.association.values import Values

MAPS = 1 << 28  # bytes of the maps of permutations that are made together
MOST_TOGETHER = 64
NEAR = 1e-5  # of a statistic: permutations that change nothing differ by as much from rounding

Largest = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Maps:
    """Where the samples of a table ``[n, V]`` lie.

    Attributes:
        mask: bool ``[C, *S]`` with V that are true, in order.
    """

    mask: np.ndarray

    def spread(self, row: np.ndarray) -> np.ndarray:
        """A row ``[V]`` as a map ``[C, *S]``, 0 elsewhere."""
        full = np.zeros(self.mask.shape, dtype=row.dtype)
        full[self.mask] = row
        return full


def map_of(values: Values, design: Design, rows: np.ndarray) -> np.ndarray:
    """t or F of all samples.

    Args:
        values: residuals of length 1, ``[n, V]``.
        design: of the n files.
        rows: float32 ``[K, k + q - 1, n]``, as :func:`maskrcnn.association.linear_model.permuted_rows` gives them.

    Returns:
        float32 ``[K, V]``.
    """
    found = np.empty((len(rows), values.array.shape[1]), dtype=np.float32)
    for block in values.blocks():
        found[:, block] = statistics(np.asarray(values.array[:, block]), rows, design)
    return found


def largest_by_chance(
    values: Values,
    design: Design,
    largest: Mapping[str, Largest],
    permutations: int,
    seed: int,
    done: Callable[[int], None] = lambda count: None,
) -> dict[str, np.ndarray]:
    """The largest statistics of permuted labels.

    Args:
        values: residuals of length 1, ``[n, V]``.
        design: of the n files.
        largest: what is kept of the map ``[V]`` of each permutation, by name.
        permutations: how many.
        seed: the same one gives the same permutations.
        done: is told how many are done.

    Returns:
        float64 ``[permutations]`` for each name, sorted.
    """
    random = np.random.default_rng(seed)
    count, size = values.array.shape
    together = int(np.clip(MAPS // (4 * max(size, 1)), 1, MOST_TOGETHER))
    found: dict[str, list[float]] = {name: [] for name in largest}
    for start in range(0, permutations, together):
        number = min(together, permutations - start)
        orders = np.stack([random.permutation(count) for _ in range(number)])
        for row in map_of(values, design, permuted_rows(design, orders)):
            for name, of_map in largest.items():
                found[name].append(float(of_map(row)))
        done(start + number)
    return {name: np.sort(np.array(chance)) for name, chance in found.items()}


def corrected_p(statistic: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """How often the largest of a permuted map reaches each value: p corrected for all that was looked at.

    Args:
        statistic: magnitudes, any shape.
        chance: of permutations, sorted.

    Returns:
        float32 of the same shape: (1 + reached) / (1 + permutations).
    """
    below = np.searchsorted(chance, np.asarray(statistic, dtype=np.float64) * (1 - NEAR), side="left")
    return ((1 + len(chance) - below) / (1 + len(chance))).astype(np.float32)


def false_discovery(p: np.ndarray) -> np.ndarray:
    """The smallest rate of false discoveries at which each would be one (Benjamini and Hochberg 1995).

    Args:
        p: uncorrected, float64 ``[V]``.

    Returns:
        float64 ``[V]``.
    """
    order = np.argsort(p, kind="stable")
    rates = p[order] * len(p) / np.arange(1, len(p) + 1)
    rates = np.minimum.accumulate(rates[::-1])[::-1]
    found = np.empty(len(p))
    found[order] = np.minimum(rates, 1)
    return found
