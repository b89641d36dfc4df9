"""Clusters and threshold-free cluster enhancement beside twins that walk from sample to sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_association as naive
from maskrcnn.association.clusters import clusters, neighbour_pairs, parts, tfce

SHAPES = [(1, 30), (2, 12), (1, 6, 5), (2, 4, 4), (1, 4, 5, 3)]


def made(shape, seed=0):
    """A map and a mask in which a tenth is missing."""
    random = np.random.default_rng(seed)
    return random.normal(size=shape).astype(np.float32) * 1.5, random.random(shape) > 0.1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", SHAPES)
def test_clusters_are_what_a_walk_finds(shape, seed):
    statistic, mask = made(shape, seed)
    numbers, sizes = clusters(statistic[mask], neighbour_pairs(mask), 0.8)
    full = np.zeros(shape, dtype=int)
    full[mask] = numbers
    indices = list(np.ndindex(*shape))
    wanted = []
    for sign in (1, -1):
        wanted += naive.connected([index for index in indices if mask[index] and sign * statistic[index] > 0.8])
    found = [{index for index in indices if full[index] == k} for k in range(1, len(sizes))]
    assert sorted(map(sorted, found)) == sorted(map(sorted, wanted))
    assert sizes.tolist() == [0, *map(len, found)]
    up = mask & (statistic > 0.8)
    labels, count = parts(up)
    assert count == len(naive.connected([index for index in indices if up[index]])) == len(np.unique(labels)) - 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", SHAPES)
def test_enhancement_is_the_sum_over_heights(shape, seed):
    statistic, mask = made(shape, seed)
    inside = np.where(mask, statistic, 0)
    found = np.zeros(shape)
    found[mask] = tfce(statistic[mask], neighbour_pairs(mask), 0.11)
    np.testing.assert_allclose(found, naive.tfce(inside, 0.11), rtol=1e-5, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SHAPES))
def test_enhancement_keeps_the_sign_and_of_two_alike_the_larger_gains_more(seed, shape):
    statistic, mask = made(shape, seed)
    pairs = neighbour_pairs(mask)
    own = statistic[mask]
    found = tfce(own, pairs, 0.2)
    assert (found * own >= 0).all()
    np.testing.assert_allclose(tfce(-own, pairs, 0.2), -found)
    assert (np.abs(tfce(own * 2, pairs, 0.2)) >= np.abs(found) - 1e-9).all()


def test_a_map_of_nothing_has_no_cluster():
    mask = np.ones((1, 4, 4), dtype=bool)
    numbers, sizes = clusters(np.zeros(16, dtype=np.float32), neighbour_pairs(mask), 1.0)
    assert not numbers.any() and sizes.tolist() == [0]
    assert not tfce(np.zeros(16, dtype=np.float32), neighbour_pairs(mask), 0.1).any()
