"""HOTA, IDF1 and MOTA are those of the programs by which trackers are compared."""

import importlib.util

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import naive
from maskrcnn.evaluation.tracks.frames import Clip, Frame, box_frame, mask_frame
from maskrcnn.evaluation.tracks.measures import count_tracks, measure_tracks
from maskrcnn.regions import Regions

unhurried = settings(deadline=None, max_examples=60)


def needed(module):
    found = importlib.util.find_spec(module) is not None
    return pytest.mark.skipif(not found, reason=f"{module} is not installed: pip install {module} to compare with it.")


@st.composite
def clips(draw, most=4):
    """Things that wander, found with errors, false alarms, misses and now and then another number."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ndim = draw(st.integers(1, 3))
    low = rng.uniform(0, 12, (draw(st.integers(0, most)), ndim))
    frames = []
    for _ in range(draw(st.integers(1, 8))):
        low = low + rng.normal(0, 1, low.shape)
        boxes = np.concatenate([low, low + 6], 1)
        there = rng.uniform(0, 1, len(low)) < 0.8
        found = rng.uniform(0, 1, len(low)) < 0.8
        numbers = 5 + (rng.permutation(len(low)) if rng.uniform() < 0.2 else np.arange(len(low)))
        noisy = boxes + rng.normal(0, 0.6, boxes.shape)
        extra = rng.uniform(0, 12, (rng.integers(0, 2), ndim))
        seen = np.concatenate([noisy[found], np.concatenate([extra, extra + 6], 1)])
        ids = np.concatenate([numbers[found], 90 + np.arange(len(extra))])
        frames.append(box_frame(3 * np.flatnonzero(there) + 1, boxes[there], ids, seen))
    return Clip.of(frames)


@needed("motrics")
@unhurried
@given(clips())
def test_measures_are_those_of_motrics(clip):
    import motrics

    both = [[frame.truth for frame in clip.frames], [frame.found for frame in clip.frames]]
    overlaps = [frame.overlap for frame in clip.frames]
    own = measure_tracks([clip])
    hota = motrics.compute_hota_from_similarity(*both, overlaps)
    identity = motrics.compute_identity_from_similarity(*both, overlaps)
    if clip.truths and clip.founds:
        assert own["HOTA"] == pytest.approx(hota.hota, abs=1e-6)
        assert own["DetA"] == pytest.approx(hota.deta, abs=1e-6)
        assert own["AssA"] == pytest.approx(hota.assa, abs=1e-6)
        assert own["IDF1"] == pytest.approx(identity.idf1, abs=1e-6)


@unhurried
@given(clips(most=3))
def test_misses_and_switches_are_those_of_every_assignment_tried(clip):
    """motrics 0.3 counts fewer switches than TrackEval, so the twin is our own. Which of two equal pairs is taken is
    open, so clips that have them are left out."""
    for frame in clip.frames:
        overlaps = frame.overlap[frame.overlap >= 0.5]
        assume(len(np.unique(overlaps.round(9))) == len(overlaps))
    frames = [(frame.truth.tolist(), frame.found.tolist(), frame.overlap) for frame in clip.frames]
    counts = count_tracks(clip)
    assert (counts.hits, counts.switches) == naive.hits_and_switches(frames)


@needed("trackeval")
@unhurried
@given(clips())
def test_measures_are_those_of_trackeval(clip):
    for old, new in (("float", float), ("int", int), ("bool", bool)):  # names that numpy no longer has
        if not hasattr(np, old):
            setattr(np, old, new)
    from trackeval.metrics import CLEAR, HOTA, Identity

    data = {
        "num_gt_dets": sum(len(frame.truth) for frame in clip.frames),
        "num_tracker_dets": sum(len(frame.found) for frame in clip.frames),
        "num_gt_ids": clip.truths,
        "num_tracker_ids": clip.founds,
        "num_timesteps": len(clip.frames),
        "gt_ids": [frame.truth for frame in clip.frames],
        "tracker_ids": [frame.found for frame in clip.frames],
        "similarity_scores": [frame.overlap for frame in clip.frames],
    }
    own = measure_tracks([clip])
    if not (clip.truths and clip.founds):
        return  # trackeval's numbers for nothing at all are conventions of its own
    hota = HOTA().eval_sequence(data)
    for name in ("HOTA", "DetA", "AssA", "LocA"):
        if name != "LocA" or count_tracks(clip).matched.all():
            assert own[name] == pytest.approx(np.mean(hota[name]), abs=1e-6)
    assert own["IDF1"] == pytest.approx(Identity({"PRINT_CONFIG": False}).eval_sequence(data)["IDF1"], abs=1e-6)
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    assert own["MOTA"] == pytest.approx(clear["MOTA"], abs=1e-6)
    assert own["switches"] == clear["IDSW"]


@unhurried
@given(clips(), clips())
def test_several_sequences_are_counted_together(one, other):
    both, a, b = count_tracks(one) + count_tracks(other), count_tracks(one), count_tracks(other)
    assert (both.truth, both.hits) == (a.truth + b.truth, a.hits + b.hits)
    measures = measure_tracks([one, other])
    if a.truth and b.truth:
        parts = [m["MOTA"] * n.truth for m, n in ((a.measures(), a), (b.measures(), b))]
        assert measures["MOTA"] == pytest.approx(sum(parts) / both.truth)


@unhurried
@given(clips())
def test_names_of_numbers_do_not_matter(clip):
    renamed = Clip.of(Frame(100 - f.truth, 7 * f.found + 3, f.overlap) for f in clip.frames)
    assert measure_tracks([renamed]) == pytest.approx(measure_tracks([clip]), nan_ok=True)


@unhurried
@given(clips())
def test_what_is_found_as_labelled_is_perfect(clip):
    perfect = Clip.of(Frame(f.truth, f.truth + 9, np.eye(len(f.truth))) for f in clip.frames)
    measures = measure_tracks([perfect])
    if perfect.truths:
        assert [measures[name] for name in ("HOTA", "DetA", "AssA", "LocA", "IDF1", "MOTA")] == [1.0] * 6
        assert measures["switches"] == measures["misses"] == measures["false_alarms"] == 0


def test_a_number_that_changes_is_a_switch():
    own = np.array([[1.0]])
    frames = [Frame(np.array([1]), np.array([number]), own) for number in (4, 4, 5, 5)]
    measures = measure_tracks([Clip.of(frames)])
    assert measures["switches"] == 1 and measures["MOTA"] == 0.75 and measures["IDF1"] == 0.5
    assert measures["AssA"] == 0.5 and measures["DetA"] == 1.0


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_masks_are_judged_in_any_number_of_dimensions(ndim):
    rng = np.random.default_rng(ndim)
    truth, found = rng.uniform(0, 1, (2, 3, *[6] * ndim)) > 0.4
    shape = (6,) * ndim
    numbers = np.array([1, 2, 3])
    frame = mask_frame(numbers, Regions.from_masks(truth, shape), numbers, Regions.from_masks(found, shape))
    for i in range(3):
        for j in range(3):
            assert frame.overlap[i, j] == pytest.approx((truth[i] & found[j]).sum() / (truth[i] | found[j]).sum())
