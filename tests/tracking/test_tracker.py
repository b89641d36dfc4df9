"""Numbers stay with their objects: through crossings, gaps and doubtful detections, in any number of dimensions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.errors import UsageError
from maskrcnn.regions import Regions
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker

unhurried = settings(deadline=None, max_examples=50)


def seen(boxes, scores=None, labels=None, regions=None):
    boxes = np.asarray(boxes, float)
    count = len(boxes)
    scores = np.full(count, 0.9) if scores is None else np.asarray(scores, float)
    labels = np.ones(count, np.int64) if labels is None else np.asarray(labels)
    return Detections(boxes, scores, labels, regions)


def moving(ndim, start, speed, size=10.0):
    """The box of something that moves along x."""
    return lambda frame: [
        start + speed * frame,
        *[0.0] * (ndim - 1),
        start + speed * frame + size,
        *[size] * (ndim - 1),
    ]


NOTHING = {ndim: seen(np.zeros((0, 2 * ndim))) for ndim in (1, 2, 3)}


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_two_that_pass_each_other_keep_their_numbers(ndim):
    one, other = moving(ndim, 0, 2), moving(ndim, 100, -2)
    tracker = Tracker(ndim)
    for frame in range(50):
        ids = tracker.update(seen([one(frame), other(frame)])).ids
        assert ids.tolist() == [1, 2]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_what_was_hidden_is_found_again(ndim):
    box = moving(ndim, 0, 1.5)
    tracker = Tracker(ndim)
    ids = [tracker.update(NOTHING[ndim] if 15 <= k < 30 else seen([box(k)])).ids.tolist() for k in range(40)]
    assert ids == [[]  if 15 <= k < 30 else [1] for k in range(40)]  # fmt: skip


def test_what_is_away_too_long_gets_a_new_number():
    box = moving(2, 0, 0)
    tracker = Tracker(2, TrackOptions(memory=5))
    ids = [tracker.update(NOTHING[2] if 5 <= k < 11 else seen([box(k)])).ids.tolist() for k in range(13)]
    assert ids[-1] == [2] and ids[0] == [1]
    assert len(tracker.tracks) == 1


def test_frames_that_were_left_out_count_as_time():
    box = moving(2, 0, 2)
    tracker = Tracker(2)
    assert [tracker.update(seen([box(k)]), k).ids.tolist() for k in range(0, 60, 4)] == [[1]] * 15
    with pytest.raises(ValueError, match="frame 3 is not later than frame 56"):
        tracker.update(seen([box(3)]), 3)


def test_doubtful_detections_continue_but_do_not_count_by_themselves():
    steady, weak = moving(2, 0, 1), moving(2, 200, 1)
    tracker = Tracker(2)
    for frame in range(10):
        score = 0.9 if frame < 4 else 0.3
        followed = tracker.update(seen([steady(frame), weak(frame)], [score, 0.3]))
        assert followed.ids.tolist() == [1, 2]
        assert not followed.confirmed[1]
    assert followed.confirmed[0] and tracker.confirmed == {1}


def test_it_takes_some_sure_sightings_to_count():
    tracker = Tracker(2, TrackOptions(confirm=3))
    tracker.update(NOTHING[2])
    tracker.update(NOTHING[2])
    tracker.update(NOTHING[2])
    flags = [tracker.update(seen([moving(2, 0, 1)(k)])).confirmed.tolist() for k in range(4)]
    assert flags == [[False], [False], [True], [True]]


def test_a_single_frame_has_objects_that_count():
    assert Tracker(2).update(seen([moving(2, 0, 1)(0)])).confirmed.tolist() == [True]


def test_masks_tell_apart_what_boxes_do_not():
    """Two triangles share a box; they come in the other order in every second frame."""
    upper = np.tri(20, dtype=bool)
    both = [upper, ~upper]
    tracker = Tracker(2, TrackOptions(mask_weight=0.5))
    box = [0.0, 0.0, 20.0, 20.0]
    for frame in range(8):
        order = [0, 1] if frame % 2 == 0 else [1, 0]
        regions = Regions.from_masks([both[k] for k in order], (20, 20))
        ids = tracker.update(seen([box, box], regions=regions)).ids.tolist()
        assert ids == [order[0] + 1, order[1] + 1]


def test_masks_are_expected_where_the_object_goes():
    """Two bars of one box, slanted the other way, run to the right a long way in each frame."""
    slant = np.eye(10, dtype=bool)
    tracker, last = Tracker(2), {}
    for frame in range(20):
        order = [0, 1] if frame % 2 == 0 else [1, 0]
        masks = np.zeros((2, 12, 100), bool)
        for row, k in enumerate(order):
            masks[row, 1:11, 3 * frame : 3 * frame + 10] = slant[:, :: 1 if k == 0 else -1]
        regions = Regions.from_masks(masks, (12, 200))
        ids = tracker.update(seen(regions.boxes(), regions=regions)).ids.tolist()
        if frame > 6:
            assert ids == [last[k] for k in order]
        last = dict(zip(order, ids))


def test_an_object_of_another_class_is_not_taken_where_its_own_is_there():
    tracker = Tracker(2)
    car, person = [0, 0, 10, 10], [2, 0, 12, 10]
    tracker.update(seen([car, person], labels=[1, 2]))
    assert tracker.update(seen([[1, 0, 11, 10], [1, 0, 11, 10]], labels=[2, 1])).ids.tolist() == [2, 1]
    assert tracker.update(seen([[1, 0, 11, 10]], labels=[3])).ids.tolist() in ([1], [2])


def test_settings_out_of_range_are_refused():
    TrackOptions().check()
    with pytest.raises(UsageError, match="--sure must lie between 0 and 1"):
        replace(TrackOptions(), sure=1.5).check()
    with pytest.raises(UsageError, match="--confirm must be at least 1"):
        replace(TrackOptions(), confirm=0).check()


@st.composite
def clips(draw):
    ndim = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    frames = []
    for count in draw(st.lists(st.integers(0, 5), min_size=1, max_size=8)):
        low = rng.uniform(0, 30, (count, ndim))
        boxes = np.concatenate([low, low + rng.uniform(0, 15, (count, ndim))], 1)
        frames.append(seen(boxes, rng.uniform(0, 1, count), rng.integers(1, 3, count)))
    return ndim, frames


@unhurried
@given(clips())
def test_every_detection_has_a_number_of_its_own_in_its_frame(case):
    ndim, frames = case
    tracker = Tracker(ndim)
    for frame in frames:
        followed = tracker.update(frame)
        assert followed.ids.dtype == np.int64 and followed.ids.shape == followed.confirmed.shape == (len(frame),)
        assert (followed.ids > 0).all() and len(set(followed.ids.tolist())) == len(frame)
        assert set(followed.ids[followed.confirmed].tolist()) <= tracker.confirmed


@unhurried
@given(clips(), st.integers(0, 8))
def test_what_comes_later_changes_no_number(case, cut):
    ndim, frames = case
    short, whole = Tracker(ndim), Tracker(ndim)
    a = [short.update(frame).ids.tolist() for frame in frames[:cut]]
    b = [whole.update(frame).ids.tolist() for frame in frames]
    assert a == b[:cut]


@unhurried
@given(clips(), st.integers(-6, 6))
def test_the_unit_does_not_matter(case, power):
    ndim, frames = case
    one, other = Tracker(ndim), Tracker(ndim)
    for frame in frames:
        low, high = np.split(frame.boxes, 2, axis=1)
        boxes = np.concatenate([low, high + 1], 1)  # sizes have a floor of a thousandth of a sample
        scaled = one.update(replace(frame, boxes=boxes)), other.update(replace(frame, boxes=boxes * 2.0**power))
        assert scaled[0].ids.tolist() == scaled[1].ids.tolist()


def test_memory_does_not_grow_with_the_clip():
    tracker = Tracker(2, TrackOptions(memory=10))
    rng = np.random.default_rng(0)
    for _ in range(500):
        low = rng.uniform(0, 1000, (3, 2))
        tracker.update(seen(np.concatenate([low, low + 5], 1), rng.uniform(0, 0.5, 3)))
        assert len(tracker.tracks) <= 3 * 11 and len(tracker.motion) == len(tracker.tracks)
