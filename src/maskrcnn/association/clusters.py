"""Connected parts of maps above a threshold, their sizes, and threshold-free cluster enhancement.

Samples are neighbours that share a face, within a channel (so does FSL's randomise for TFCE by default). Maps are rows
``[V]`` of the samples of a mask, so that samples outside cost nothing.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

EXTENT, HEIGHT = 0.5, 2.0  # the exponents E and H of Smith and Nichols (2009, NeuroImage 44, 83-98)


def parts(inside: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected parts of a map ``[C, *S]``, numbered from 1, int32, and how many there are."""
    within = ndimage.generate_binary_structure(inside.ndim - 1, 1)
    structure = np.stack([np.zeros_like(within), within, np.zeros_like(within)])
    labels, count = ndimage.label(inside, structure)
    return labels.astype(np.int32, copy=False), int(count)


def neighbour_pairs(mask: np.ndarray) -> np.ndarray:
    """Which samples of a mask are neighbours.

    Args:
        mask: bool ``[C, *S]`` with V that are true.

    Returns:
        int32 ``[2, E]``, indices into the V samples in order.
    """
    index = np.full(mask.shape, -1, dtype=np.int32)
    index[mask] = np.arange(np.count_nonzero(mask), dtype=np.int32)
    found = []
    for axis in range(1, mask.ndim):
        low, high = (np.take(index, range(k, mask.shape[axis] - 1 + k), axis).ravel() for k in (0, 1))
        both = (low >= 0) & (high >= 0)
        found.append(np.stack([low[both], high[both]]))
    return np.concatenate([np.empty((2, 0), dtype=np.int32), *found], axis=1)


def components(count: int, pairs: np.ndarray) -> np.ndarray:
    """The number of the connected part of each of ``count`` samples, from 0, int32; alone where it has no neighbour."""
    ones = np.ones(pairs.shape[1], dtype=np.int8)
    graph = sparse.coo_matrix((ones, (pairs[0], pairs[1])), shape=(count, count))
    labels: np.ndarray = csgraph.connected_components(graph, directed=False)[1]
    return labels


def clusters(statistic: np.ndarray, pairs: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts above ``threshold`` or below its negative, the two signs apart.

    Args:
        statistic: ``[V]``.
        pairs: of neighbours, see :func:`neighbour_pairs`.
        threshold: above 0.

    Returns:
        int64 ``[V]``: the number of the cluster of each sample, from 1, 0 for none; and int64 ``[N + 1]``, samples of
        each, of number 0 none.
    """
    beyond = np.abs(statistic) > threshold
    own = np.full(len(statistic), -1)
    own[beyond] = np.arange(np.count_nonzero(beyond))
    joined = _alike(statistic, pairs[:, beyond[pairs].all(axis=0)])
    numbers = np.zeros(len(statistic), dtype=np.int64)
    numbers[beyond] = 1 + components(int(np.count_nonzero(beyond)), own[joined])
    sizes = np.bincount(numbers, minlength=1)
    sizes[0] = 0
    return numbers, sizes


def tfce(statistic: np.ndarray, pairs: np.ndarray, step: float) -> np.ndarray:
    """Threshold-free cluster enhancement: the integral of extent^E height^H over heights, each sign by itself.

    Args:
        statistic: float32 ``[V]``.
        pairs: of neighbours, see :func:`neighbour_pairs`.
        step: between two heights, dh of the paper.

    Returns:
        float64 ``[V]`` with the signs of ``statistic``.
    """
    heights = np.floor(np.abs(statistic) / np.float32(step) + np.float32(1e-4)).astype(np.int64)  # levels it reaches
    pairs = _alike(statistic, pairs)
    reached = heights[pairs].min(axis=0)
    pairs, reached = pairs[:, reached > 0], reached[reached > 0]
    # Samples and pairs by falling height: those of a level are the first ones.
    order = np.argsort(-heights, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_height = np.argsort(-reached, kind="stable")
    ranked = rank[pairs[:, by_height]]
    top = int(heights.max(initial=0))
    samples = len(heights) - np.searchsorted(np.sort(heights), np.arange(top + 1), side="left")
    edges = len(reached) - np.searchsorted(np.sort(reached), np.arange(top + 1), side="left")
    sums = np.zeros(len(heights))
    for level in range(1, top + 1):
        labels = components(int(samples[level]), ranked[:, : edges[level]])
        gain = np.bincount(labels).astype(np.float64) ** EXTENT
        sums[: samples[level]] += step * (level * step) ** HEIGHT * gain[labels]
    enhanced = np.empty_like(sums)
    enhanced[order] = sums
    signed: np.ndarray = np.copysign(enhanced, statistic)
    return signed


def _alike(statistic: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The pairs of one sign."""
    positive = statistic > 0
    return pairs[:, positive[pairs[0]] == positive[pairs[1]]]
