"""Left and right are mended where a detector exchanged them, and left alone where it did not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from made_walk import NAMES, walk
from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.video.motion.sides import DOUBT, FARTHEST, mend_sides, object_size, paired_parts

MIRROR = list(mirror_keypoints(NAMES))
unhurried = settings(deadline=None, max_examples=40)


def exchanged(points, frames, words):
    """The same with left and right exchanged in some frames, of points whose names have one of the words."""
    own = [k for k, name in enumerate(NAMES) if any(word in name for word in words)]
    swapped = points.copy()
    swapped[np.ix_(frames, own)] = points[np.ix_(frames, [MIRROR[k] for k in own])]
    return swapped


LEGS, ALL = ("hip", "knee", "ankle"), ("",)


def test_parts_of_a_body_change_sides_together():
    parts = [[NAMES[k] for k in group] for group in paired_parts(NAMES)]
    assert [len(part) for part in parts] == [4, 6, 6]
    assert "nose" not in sum(parts, [])


@pytest.mark.parametrize("words", [LEGS, ALL])
@pytest.mark.parametrize("frames", [[20], [20, 21, 22], [10, 11, 30, 31, 32]])
def test_what_was_exchanged_is_mended(words, frames):
    true = walk(noise=0.5)
    np.testing.assert_array_equal(mend_sides(exchanged(true, frames, words), NAMES, 0.3), true)


@unhurried
@given(st.integers(0, 10**6))
def test_what_was_right_stays(seed):
    true = walk(noise=1.0, seed=seed)
    np.testing.assert_array_equal(mend_sides(true, NAMES, 0.3), true)


def test_one_who_turns_round_keeps_sides():
    true = walk(count=80)
    middle = true[:, :, :1].mean(1, keepdims=True)
    turn = np.cos(np.linspace(0, np.pi, 80))[:, None, None]
    true[..., :1] = middle + turn * (true[..., :1] - middle)
    np.testing.assert_array_equal(mend_sides(true, NAMES, 0.3), true)


def test_in_the_long_run_the_detector_is_right():
    true = walk(count=100)
    late = exchanged(true, list(range(30, 100)), ALL)
    mended = mend_sides(late, NAMES, 0.3)  # it may change sides where its legs are closest, but not for 70 frames
    np.testing.assert_array_equal(mended[:20], late[:20])
    np.testing.assert_array_equal(mended[45:], late[45:])


def test_points_that_are_not_seen_do_not_matter():
    true = walk()
    true[5:8, :, 2] = 0
    true[20, 9:, 2] = 0.1
    np.testing.assert_array_equal(mend_sides(exchanged(true, [6], ALL), NAMES, 0.3)[20], true[20])
    nobody = np.zeros_like(true)
    np.testing.assert_array_equal(mend_sides(nobody, NAMES, 0.3), nobody)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_cheapest_sequence_against_all_sequences(ndim):
    names = ["left_hip", "right_hip", "left_knee", "right_knee"]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        points = np.concatenate([rng.uniform(0, 10, (7, 4, ndim)), rng.choice([0.0, 0.9], (7, 4, 1), p=[0.2, 0.8])], -1)
        size = object_size(points, 0.3)
        found = (mend_sides(points, names, 0.3) != points).any((1, 2))
        costs = [
            naive.cost_of_sides(points, [1, 0, 3, 2], exchanged, size, DOUBT, FARTHEST)
            for exchanged in (found, *itertools.product([False, True], repeat=len(points)))
        ]
        assert costs[0] == pytest.approx(min(costs))


def test_the_size_of_an_object_is_that_of_its_known_points():
    points = np.array([[[0, 0, 1], [30, 40, 1], [1000, 0, 0.1]]] * 3, float)
    assert object_size(points, 0.3) == 50
    assert object_size(points * 0, 0.3) == 1
