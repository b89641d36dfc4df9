from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.signal import fill_gaps, stretch
from maskrcnn.modalities.signals.tables.intervals import (
    Interval,
    LabelledSignal,
    interval_regions,
    join_parts,
    signal_dataset,
)

parts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=5)


@given(parts)
def test_joined_parts_cover_the_same_samples(pairs):
    covered = np.zeros(31, bool)
    for low, high in pairs:
        covered[low:high] = True
    joined = join_parts(pairs)
    again = np.zeros(31, bool)
    for low, high in joined:
        again[low:high] = True
    assert (covered == again).all()
    assert all(a[1] < b[0] for a, b in zip(joined, joined[1:])) and all(low < high for low, high in joined)
    if joined:
        np.testing.assert_array_equal(interval_regions(31, [joined]).mask(0), covered)


def test_overlapping_labels_stay_apart_and_classes_are_in_order():
    signal = LabelledSignal(Path("a.wav"), 100, 10, [Interval("b", ((0, 50),)), Interval("a", ((40, 60),))])
    data = signal_dataset(Path("x"), [signal], [], ("b",))
    assert data.class_names == ("b", "a") and data.category_ids == (1, 2)
    record = data[0]
    assert record.boxes.tolist() == [[0, 50], [40, 60]] and record.labels.tolist() == [1, 2]
    assert record.regions.mask(0)[45] and record.regions.mask(1)[45]


def test_a_recording_of_nothing():
    record = signal_dataset(Path("x"), [LabelledSignal(Path("a.wav"), 100, 10)], [], ("b",))[0]
    assert record.boxes.shape == (0, 2) and record.unknown_sides.shape == (0, 2) and len(record.regions) == 0
    assert record.instances().boxes.shape == (0, 2)


def test_recordings_of_one_name_have_ids_of_their_own():
    paths = [Path("x/a.wav"), Path("y/a.wav"), Path("y/b.wav")]
    data = signal_dataset(Path("x"), [LabelledSignal(path, 100, 10) for path in paths], [])
    assert [r.image_id for r in data] == [str(paths[0]), str(paths[1]), "b"]


def test_what_passes_the_end_is_cut_off_and_noted():
    intervals = [Interval("a", ((90, 110),)), Interval("a", ((100, 110),)), Interval("a", ((10, 20), (95, 120)))]
    problems: list[str] = []
    data = signal_dataset(Path("x"), [LabelledSignal(Path("a.wav"), 100, 10, intervals)], problems)
    assert data[0].boxes.tolist() == [[90, 100], [10, 100]] and data[0].areas.tolist() == [10, 15]
    assert len(problems) == 2 and "(2 intervals)" in problems[0] and "left out (1)" in problems[1]


def test_gaps_are_filled_in_from_their_neighbours():
    samples = np.array([[np.nan, 1, np.nan, np.nan, 4, np.inf], [np.nan] * 6, [1, 2, 3, 4, 5, 6]])
    filled, counts = fill_gaps(samples)
    assert filled.tolist() == [[1, 1, 2, 3, 4, 4], [0] * 6, [1, 2, 3, 4, 5, 6]] and counts == [4, 6, 0]
    assert np.isnan(samples[0, 0])


def test_a_stretch_lies_within_the_signal():
    assert stretch(Path("a"), 10, 0, None) == (0, 10) and stretch(Path("a"), 10, 3, 99) == (3, 10)
    with pytest.raises(DataError, match="a holds no samples"):
        stretch(Path("a"), 0, 0, None)
    with pytest.raises(DataError, match="it ends at 10"):
        stretch(Path("a"), 10, 10, 20)


def test_a_recording_whose_labels_all_lie_beyond_its_end_is_left_out():
    beyond = LabelledSignal(Path("a"), 10, 1.0, [Interval("x", ((500, 900),)), Interval("x", ((900, 950),))])
    inside = LabelledSignal(Path("b"), 10, 1.0, [Interval("x", ((5, 9),))])
    problems: list[str] = []
    data = signal_dataset(Path("d"), [beyond, inside], problems)
    assert [record.image_id for record in data] == ["b"] and "all 2 intervals of its labels lie beyond" in problems[0]
    with pytest.raises(DataError, match="not one recording can be used"):
        signal_dataset(Path("d"), [LabelledSignal(Path("a"), 10, 1.0, [Interval("x", ((500, 900),))])], [])
