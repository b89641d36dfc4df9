import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from maskrcnn.regions import tighten
from maskrcnn.tracking.between import FINEST, Between, nearest, signed_distance

pytest.importorskip("scipy")


def random_mask(rng, ndim, most=5):
    mask = rng.random(rng.integers(1, most + 1, ndim)) < 0.6
    mask[(0,) * ndim] = True
    return tighten(mask)[1]


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6))
def test_signed_distances_agree_with_their_twin(ndim, seed):
    mask = random_mask(np.random.default_rng(seed), ndim, 4)
    assert signed_distance(mask) == pytest.approx(naive.signed_distance(mask))


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_a_mask_that_only_moves_keeps_its_shape(ndim, seed, part):
    rng = np.random.default_rng(seed)
    mask, low, way = random_mask(rng, ndim), rng.integers(-9, 9, ndim), 4 * rng.integers(-9, 9, ndim)
    start, found = Between(mask, low, mask, low + way).at(part)
    assert (start == low + part * way).all() and (found == mask).all()


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**6))
def test_at_its_ends_it_is_what_was_seen_to_the_resolution_of_the_grid(ndim, seed):
    rng = np.random.default_rng(seed)
    masks = [np.ones(rng.integers(1, 9, ndim), bool) for _ in range(2)]
    between = Between(masks[0], np.zeros(ndim, np.int64), masks[1], np.full(ndim, 7))
    for part, mask in zip((0.0, 1.0), masks):
        start, found = between.at(part)
        assert (start == 7 * part).all() and (found == mask).all()


def ball(ndim, radius):
    axes = np.ogrid[tuple(slice(-radius, radius + 1) for _ in range(ndim))]
    return tighten(sum(axis.astype(float) ** 2 for axis in axes) <= radius**2)[1]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_halfway_between_two_balls_lies_the_ball_of_the_mean_radius(ndim):
    small, large = ball(ndim, 6), ball(ndim, 14)
    start, found = Between(small, np.full(ndim, 20), large, np.full(ndim, 30)).at(0.5)
    expected = ball(ndim, 10)
    assert found.shape == expected.shape and (start == 25).all()
    assert (found & expected).sum() / (found | expected).sum() > 0.9


def test_masks_larger_than_the_grid_are_drawn_in_their_own_size():
    mask = ball(2, 2 * FINEST)
    start, found = Between(mask, np.array([0, 0]), mask, np.array([0, 8])).at(0.25)
    assert start.tolist() == [0, 2] and found.shape == mask.shape
    assert (found & mask).sum() / (found | mask).sum() > 0.97


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_the_nearest_sample_is_taken(ndim, seed):
    rng = np.random.default_rng(seed)
    mask, shape = random_mask(rng, ndim), rng.integers(1, 9, ndim)
    found = nearest(mask, shape)
    for place in np.ndindex(*shape):
        source = tuple(int((p + 0.5) * old / n) for p, n, old in zip(place, shape, mask.shape))
        assert found[place] == mask[source]
