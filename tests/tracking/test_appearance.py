"""What looks alike is known again, in any number of dimensions, and what nobody described is followed as before."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from maskrcnn.masks.shared_runs import spans_of
from maskrcnn.regions import Regions
from maskrcnn.tracking.appearance import FAINT, Looks
from maskrcnn.tracking.association import doubles, mixed
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker

unhurried = settings(deadline=None, max_examples=50)


@unhurried
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(1, 4))
def test_alike_is_as_reckoned_one_pair_at_a_time(seed, objects, seen):
    rng = np.random.default_rng(seed)
    looks, rows, found = Looks(), rng.normal(0, 1, (objects, 3)), rng.normal(0, 1, (seen, 3))
    looks.meet(found)
    looks.begin(objects, rows)
    alike = looks.alike(found)
    assert alike.shape == (objects, seen) and ((alike >= 0) & (alike <= 1)).all()
    for i in range(objects):
        for j in range(seen):
            expected = naive.alike(rows[i], found[j], found.mean(0), FAINT)
            assert alike[i, j] == pytest.approx(expected, abs=1e-5)


def test_an_object_that_is_alone_looks_like_itself():
    looks, row = Looks(), np.array([[0.6, 0.8]])
    looks.meet(row)
    looks.begin(1, row)
    looks.meet(row + 0.05)
    assert looks.alike(row + 0.05)[0, 0] > 0.9


def test_nobody_knows_what_an_object_looks_like_that_was_not_described():
    looks = Looks()
    looks.begin(1, None)
    looks.meet(np.array([[1.0, 0.0], [0.0, 1.0]]))
    looks.begin(1, np.array([[1.0, 0.0]]))
    alike = looks.alike(np.array([[1.0, 0.0]]))
    assert np.isnan(alike[0]).all() and alike[1] == pytest.approx(1)
    looks.see(np.array([0]), np.array([[0.0, 1.0]]), np.array([True]))
    assert looks.alike(np.array([[0.0, 1.0]]))[0] == pytest.approx(1)
    looks.keep(np.array([False, True]))
    assert looks.rows.shape == (1, 2)


def test_a_doubtful_look_teaches_less():
    sure, doubtful = Looks(), Looks()
    for looks, how in ((sure, True), (doubtful, False)):
        looks.meet(np.zeros((1, 2)))
        looks.begin(1, np.zeros((1, 2)))
        looks.see(np.array([0]), np.ones((1, 2)), np.array([how]))
    assert (sure.rows > doubtful.rows).all() and (doubtful.rows > 0).all()


def test_what_is_not_a_number_is_left_out_of_a_mixture():
    worth = mixed(np.array([[0.4, 0.4]]), np.array([[1.0, np.nan]]), 0.5)
    np.testing.assert_allclose(worth, [[0.7, 0.4]])


def described(boxes, looks, scores=None):
    count = len(boxes)
    scores = np.full(count, 0.9) if scores is None else np.asarray(scores, float)
    boxes = np.asarray(boxes, float).reshape(count, -1)
    return Detections(boxes, scores, np.ones(count, np.int64), None, np.asarray(looks, np.float32))


LOOKS = np.eye(3)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_two_that_jump_are_told_apart_by_what_they_look_like(ndim):
    """Each jumps nearer to the other's place than to its own: boxes alone exchange them."""
    one, other = [0.0] * ndim + [10.0] * ndim, [14.0] + [0.0] * (ndim - 1) + [24.0] + [10.0] * (ndim - 1)
    swapped = [[8.0, *one[1:ndim], 18.0, *one[ndim + 1 :]], [6.0, *one[1:ndim], 16.0, *one[ndim + 1 :]]]
    for known, expected in ((True, [1, 2]), (False, [2, 1])):
        tracker = Tracker(ndim, TrackOptions(appearance=0.8, appearance_wide=0.8))
        for frame in range(6):
            seen = described([one, other] if frame < 5 else swapped, LOOKS[:2])
            ids = tracker.update(seen if known else replace(seen, appearance=None)).ids
        assert ids.tolist() == expected


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_what_was_lost_and_comes_back_elsewhere_is_known_by_its_looks(ndim):
    still, there = [100.0] * ndim + [110.0] * ndim, [0.0] * ndim + [10.0] * ndim
    back = [22.0] + there[1:ndim] + [32.0] + there[ndim + 1 :]
    for look, expected in ((0, 2), (2, 3)):
        tracker = Tracker(ndim)
        for _ in range(5):
            tracker.update(described([still, there], LOOKS[[1, 0]]))
        for _ in range(3):
            tracker.update(described([still], LOOKS[[1]]))
        assert tracker.update(described([still, back], LOOKS[[1, look]])).ids.tolist() == [1, expected]


def test_what_looks_alike_far_away_is_another_object():
    tracker = Tracker(2)
    tracker.update(described([[0, 0, 10, 10], [50, 0, 60, 10]], LOOKS[:2]))
    assert tracker.update(described([[200, 0, 210, 10]], LOOKS[:1])).ids.tolist() == [3]


def test_appearance_may_come_late_and_be_missing():
    tracker, boxes = Tracker(2), [[0, 0, 10, 10], [50, 0, 60, 10]]
    for frame in range(6):
        seen = described(boxes, LOOKS[:2])
        assert tracker.update(replace(seen, appearance=None) if frame % 3 == 0 else seen).ids.tolist() == [1, 2]
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), None, np.zeros((0, 3), np.float32))
    assert len(tracker.update(empty).ids) == 0
    assert tracker.update(described(boxes, LOOKS[:2])).ids.tolist() == [1, 2]


def spans(masks):
    regions = Regions.from_masks(masks, masks[0].shape)
    return regions.boxes(), [spans_of(regions, i) for i in range(len(masks))]


@unhurried
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 5))
def test_doubles_are_as_found_sample_by_sample(seed, ndim, count):
    rng = np.random.default_rng(seed)
    masks = rng.random((count, *(4,) * ndim)) < 0.5
    scores = rng.integers(1, 4, count) / 4
    boxes, own = spans(list(masks))
    assert doubles(boxes, scores, own, 0.6).tolist() == naive.doubles(masks, scores, 0.6)
    assert not doubles(boxes, scores, [None] * count, 0.6).any()


def test_a_part_of_a_surer_object_does_not_count_by_itself():
    masks = np.zeros((2, 20, 20), bool)
    masks[0, 2:18, 2:18], masks[1, 2:8, 2:18] = True, True
    regions = Regions.from_masks(masks, (20, 20))
    tracker = Tracker(2)
    for _ in range(8):
        tracker.update(Detections(regions.boxes(), np.array([0.9, 0.8]), np.ones(2, np.int64), regions))
    assert tracker.confirmed == {1}


def test_a_video_may_begin_with_empty_frames():
    looks = Looks()
    looks.meet(np.zeros((0, 4), np.float32))
    assert looks.alike(np.zeros((0, 4), np.float32)).shape == (0, 0)
    looks.see(np.zeros(0, int), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    looks.begin(0, np.zeros((0, 4), np.float32))
    looks.meet(np.ones((2, 4), np.float32))
    assert looks.alike(np.ones((2, 4), np.float32)).shape == (0, 2)
    looks.begin(2, np.ones((2, 4), np.float32))
    looks.meet(np.zeros((0, 4), np.float32))
    assert looks.alike(np.zeros((0, 4), np.float32)).shape == (2, 0)
    assert looks.alike(np.ones((1, 4), np.float32)).shape == (2, 1)
