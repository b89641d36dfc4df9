"""Counting on made-up tracks: once an object and way, confirmed objects alone, trembling none, time inside."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import naive
from made_tracks import CANVAS, frames_of, straight
from maskrcnn.video.counting.counter import FORGOTTEN, Counter
from maskrcnn.video.counting.painting import paint_places
from maskrcnn.video.counting.places import Line, Zone
from maskrcnn.video.counting.watches import LineWatch, Sighting, ZoneWatch

LINE = Line("door", (0, 60), (160, 60))
ROOM = Zone("room", np.array([[40.0, 30], [120, 30], [120, 90], [40, 90]]))
DOWN, UP = straight((80, 20), (80, 100), 20), straight((80, 100), (80, 20), 20)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counted(tmp_path, frames, places, numbers, names=("cat", "dog"), anchor="centre"):
    tables = tmp_path / "counts.csv", tmp_path / "events.csv"
    counter = Counter(places, names, tables, anchor)
    for frame in frames:
        counter.add(frame)
    counter.finish(numbers)
    return table(tables[0]), table(tables[1]), counter


def test_in_and_out_by_class(tmp_path):
    frames = frames_of({1: DOWN, 2: UP, 3: UP}, labels={1: 1, 2: 2, 3: 2})
    counts, events, _ = counted(tmp_path, frames, [LINE], {1: 1, 2: 2, 3: 3})
    assert [(row["class"], row["in"], row["out"]) for row in counts] == [
        ("all", "1", "2"),
        ("cat", "1", "0"),
        ("dog", "0", "2"),
    ]
    assert [(row["id"], row["way"], row["class"]) for row in events] == [
        ("1", "in", "cat"),
        ("2", "out", "dog"),
        ("3", "out", "dog"),
    ]


def test_an_object_that_goes_to_and_fro_counts_once_each_way_and_every_crossing_is_listed(tmp_path):
    counts, events, _ = counted(tmp_path, frames_of({1: DOWN + UP + DOWN}), [LINE], {1: 1})
    assert (counts[0]["in"], counts[0]["out"]) == ("1", "1")
    assert [(row["way"], row["counted"]) for row in events] == [("in", "yes"), ("out", "yes"), ("in", "no")]


def test_objects_that_are_never_confirmed_do_not_count_and_files_have_gapless_numbers(tmp_path):
    frames = frames_of({4: DOWN, 9: DOWN}, confirmed={4: 10**6, 9: 18})
    counts, events, _ = counted(tmp_path, frames, [LINE, ROOM], {9: 1})
    assert [row["in"] for row in counts if row["class"] == "all"] == ["1", "1"]
    assert {row["id"] for row in events} == {"1"}


def test_what_was_confirmed_only_after_its_crossing_counts_from_then_on():
    counter = Counter([LINE], ["cat"])
    seen = []
    for frame in frames_of({1: DOWN}, confirmed={1: 15}):
        counter.add(frame)
        seen.append(counter.now()[0][1]["in"])
    assert seen == [0] * 15 + [1] * 5


def test_trembling_on_a_line_or_an_edge_is_no_crossing(tmp_path):
    rng = np.random.default_rng(1)
    shaky = [(80.0, 60 + dy) for dy in rng.uniform(-0.7, 0.7, 200)]
    on_edge = [(40 + dx, 60.0) for dx in rng.uniform(-0.7, 0.7, 200)]
    counts, events, _ = counted(tmp_path, frames_of({1: shaky, 2: on_edge}), [LINE, ROOM], {1: 1, 2: 2})
    assert events == []
    assert all(row["in"] == row["out"] == "0" for row in counts)


def test_passing_beside_the_ends_of_a_line_is_no_crossing(tmp_path):
    short = Line("short", (0, 60), (70, 60))
    counts, events, _ = counted(tmp_path, frames_of({1: DOWN}), [short], {1: 1})
    assert events == [] and counts[0]["in"] == "0"


def test_an_object_that_was_lost_on_the_line_has_crossed_it(tmp_path):
    path = [place if not 5 <= k < 15 else None for k, place in enumerate(DOWN)]
    counts, _, _ = counted(tmp_path, frames_of({1: path}), [LINE], {1: 1})
    assert counts[0]["in"] == "1"


def test_time_in_a_zone(tmp_path):
    through = [*straight((10, 60), (30, 60), 3), *[(80.0, 60.0)] * 21, *straight((130, 60), (150, 60), 3)]
    stays = [(60.0, 50.0)] * 27
    frames = frames_of({1: through, 2: stays}, labels={2: 2})
    counts, events, _ = counted(tmp_path, frames, [ROOM], {1: 1, 2: 2})
    whole = counts[0]
    assert (whole["in"], whole["out"], whole["objects"]) == ("1", "1", "2")
    assert (whole["began_inside"], whole["ended_inside"]) == ("1", "1")
    assert float(whole["inside_s"]) == pytest.approx(2.1 + 2.6)
    assert [float(row["inside_s"]) for row in counts[1:]] == pytest.approx([2.1, 2.6])
    assert float(events[1]["inside_s"]) == pytest.approx(2.1)
    assert [row["frame"] for row in events] == ["3", "24"]


def test_a_zone_of_one_class(tmp_path):
    zone = Zone("room", ROOM.polygon, ("dog",))
    frames = frames_of({1: DOWN, 2: DOWN}, labels={1: 1, 2: 2})
    counts, events, counter = counted(tmp_path, frames, [zone], {1: 1, 2: 2})
    assert [row["class"] for row in counts] == ["all", "dog"]
    assert {row["id"] for row in events} == {"2"}
    assert counter.now()[0][1] == {"in": 1, "out": 1, "now": 0}


def test_feet_cross_later_than_centres(tmp_path):
    frames = list(frames_of({1: straight((80, 20), (80, 56), 20)}))
    assert counted(tmp_path, frames, [LINE], {1: 1})[0][0]["in"] == "0"
    assert counted(tmp_path, frames, [LINE], {1: 1}, anchor="bottom")[0][0]["in"] == "1"


def test_of_objects_that_were_never_sure_nothing_is_kept():
    counter = Counter([LINE, ROOM], ["cat"])
    paths = {1: [*DOWN, *[None] * (FORGOTTEN + 5)], 2: [*[None] * 20, *[(20.0, 20.0)] * (FORGOTTEN + 5)]}
    for frame in frames_of(paths, confirmed={1: 10**6}):
        counter.add(frame)
    assert all(1 not in kept for watch in counter.watches for kept in watch.went.values())
    assert counter.watches[1].stays.keys() == {2}
    assert not counter._events and set(counter._last) == {2}


@settings(deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=40))
def test_crossings_of_a_line_against_the_slow_twin(heights):
    watch = LineWatch(Line("a", (-10, 0), (10, 0)))
    sightings = [Sighting(1, k, k / 10, np.array([0.0, y / 4]), 2.0) for k, y in enumerate(heights)]
    ways = [event.way for seen in sightings if (event := watch.see(seen)) is not None]
    assert ways == naive.crossings([y / 4 for y in heights], 2.0, begun=False)


@settings(deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=40))
def test_stays_in_a_zone_against_the_slow_twin(depths):
    half_plane = Zone("a", np.array([[-1000.0, 0], [1000, 0], [1000, 1000], [-1000, 1000]]))
    watch = ZoneWatch(half_plane)
    sightings = [Sighting(1, k, k / 10, np.array([0.0, y / 4]), 2.0) for k, y in enumerate(depths)]
    ways = [event.way for seen in sightings if (event := watch.see(seen)) is not None]
    assert ways == naive.crossings([y / 4 for y in depths], 2.0, begun=True)


def test_places_are_painted_inside_the_picture_and_in_other_places_than_one_another():
    grey = Image.new("RGB", CANVAS[::-1], (90, 90, 90))
    corner = Line("corner", (158, 118), (159, 0))

    def changed(*places):
        canvas = grey.copy()
        paint_places(canvas, [(place, {"in": 1}) for place in places])
        return (np.asarray(canvas) != np.asarray(grey)).any(2)

    line = changed(LINE)
    assert line[60, 5:150].all()
    assert line[64, 80] and not line[55, 80]  # its arrow points down, where in is
    room = changed(ROOM)
    assert room[50, 60] and not room[20, 20]
    assert changed(corner)[:, :150].any()  # its words, moved into the picture
    twice = changed(LINE, LINE)
    assert np.count_nonzero(twice) > 1.2 * np.count_nonzero(line)  # the words of the second lie below the first's
