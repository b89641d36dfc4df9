"""Points over time: the smoother against its twin, gaps, outliers, and what is left of noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from made_walk import walk
from maskrcnn.errors import UsageError
from maskrcnn.video.motion.one_euro import OneEuro
from maskrcnn.video.motion.smoothing import SmoothOptions, _most_likely, in_short_gaps, smooth_points

unhurried = settings(deadline=None, max_examples=40)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_likeliest_path_against_the_slow_twin(ndim):
    rng = np.random.default_rng(ndim)
    times = np.cumsum(rng.uniform(0.02, 0.06, 15))
    places = rng.uniform(0, 50, (15, 3, ndim))
    scores = rng.choice([0.0, 0.5, 0.9], (15, 3))
    scores[0] = [0.9, 0, 0.9]
    path = _most_likely(places, scores, times, 6.0)
    for k in range(3):
        for axis in range(ndim):
            expected = naive.likeliest_path(places[:, k, axis], scores[:, k], times, 6.0)
            np.testing.assert_allclose(path[:, k, axis], expected, rtol=1e-5, atol=1e-3)


@unhurried
@given(st.integers(0, 10**6))
def test_smoothing_brings_points_nearer_to_the_truth(seed):
    true, seen = walk(), walk(noise=1.5, seed=seed)
    times = np.arange(len(true)) / 25
    smoothed = smooth_points(seen, times)
    before, after = (np.abs(own[..., :2] - true[..., :2]).mean() for own in (seen, smoothed))
    assert after < 0.85 * before


def test_what_moves_evenly_is_not_moved():
    points = np.zeros((30, 2, 3))
    points[..., 0], points[..., 1], points[..., 2] = np.arange(30)[:, None] * 4.0, 7, 0.9
    np.testing.assert_allclose(smooth_points(points, np.arange(30) / 25), points, atol=1e-3)


def test_short_gaps_are_filled_and_long_ones_are_not():
    true = walk(count=100)
    seen = true.copy()
    seen[10:20, 3, 2] = 0.1  # 0.4 s
    seen[30:70, 3, 2] = 0.1
    seen[10:20, 3, :2] = 0  # where the detector says anything at all
    smoothed = smooth_points(seen, np.arange(100) / 25)
    np.testing.assert_allclose(smoothed[10:20, 3, :2], true[10:20, 3, :2], atol=3)
    assert (smoothed[10:20, 3, 2] == 0).all() and (smoothed[5:10, 3, 2] == 0.9).all()
    assert np.isnan(smoothed[30:70, 3, :2]).all() and not np.isnan(smoothed[70:, 3]).any()
    whole = smooth_points(seen, np.arange(100) / 25, SmoothOptions(fill=2))
    assert not np.isnan(whole).any()


def test_nothing_is_made_up_before_the_first_and_after_the_last_sighting():
    seen = walk(count=30)
    seen[:5, 4, 2] = 0
    seen[25:, 4, 2] = 0
    seen[:, 6, 2] = 0
    smoothed = smooth_points(seen, np.arange(30) / 25)
    assert np.isnan(smoothed[:5, 4, :2]).all() and np.isnan(smoothed[25:, 4, :2]).all()
    assert np.isnan(smoothed[:, 6, :2]).all() and (smoothed[:, 6, 2] == 0).all()


def test_one_wild_sighting_is_not_believed():
    true = walk()
    wild = true.copy()
    wild[30, 9, :2] += [60, -40]
    smoothed = smooth_points(wild, np.arange(len(true)) / 25)
    assert np.abs(smoothed[30, 9, :2] - true[30, 9, :2]).max() < 2
    assert smoothed[30, 9, 2] == 0


def test_a_cutoff_of_0_fills_gaps_with_straight_lines_and_moves_nothing_else():
    seen = walk(noise=2)
    seen[10:12, 0, 2] = 0
    same = smooth_points(seen, np.arange(60) / 25, SmoothOptions(cutoff=0))
    known = seen[..., 2] > 0
    np.testing.assert_array_equal(same[known], seen[known])
    np.testing.assert_allclose(same[10, 0, :2], (2 * seen[9, 0, :2] + seen[12, 0, :2]) / 3)


@pytest.mark.parametrize("options", [SmoothOptions(cutoff=-1), SmoothOptions(fill=-1), SmoothOptions(threshold=2)])
def test_settings_out_of_range(options):
    with pytest.raises(UsageError, match="--(smooth|fill|threshold)"):
        options.check()


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 10))
def test_gaps_against_the_slow_twin(known, longest):
    times = np.arange(len(known)) / 10
    found = in_short_gaps(np.array(known)[:, None], times, longest / 10)[:, 0]
    assert found.tolist() == naive.short_gaps(known, longest)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_one_euro_against_the_slow_twin(ndim):
    rng = np.random.default_rng(ndim)
    euro, twin = OneEuro(), naive.OneEuro()
    time = 0.0
    for step in rng.uniform(0.02, 0.05, 40):
        time += step
        points = np.concatenate([rng.normal(0, 3, (4, ndim)) + 20 * time, rng.choice([0.1, 0.9], (4, 1))], 1)
        found = euro.smooth(3, points, time, 40.0)
        np.testing.assert_allclose(found, [twin.smooth(k, own, time, 40.0) for k, own in enumerate(points)])


def test_one_euro_calms_what_stands_and_follows_what_runs():
    rng, euro, still, run = np.random.default_rng(1), OneEuro(), [], []
    for k in range(50):
        noise = rng.normal(0, 1, 2)
        points = np.array([[10, 10, 0.9], [10 + 8 * k, 10, 0.9]])
        points[0, :2] += noise
        found = euro.smooth(1, points, k / 25, 100.0)
        still.append([np.hypot(*noise), np.hypot(*(found[0, :2] - 10))])
        run.append(points[1, 0] - found[1, 0])
    before, after = np.array(still)[5:].mean(0)
    assert after < 0.6 * before
    assert 0 <= run[-1] < 4  # of 8 pixels a frame, less than half a frame behind


def test_objects_that_are_gone_are_forgotten():
    euro = OneEuro()
    euro.smooth(1, np.array([[0, 0, 0.9]]), 0.0, 10)
    euro.smooth(2, np.array([[0, 0, 0.9]]), 2.0, 10)
    euro.forget(2.0)
    assert set(euro._past) == {2}
