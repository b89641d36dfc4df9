"""Lines and zones: how they are written, and on which side points are, against shapely and a slow twin."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maskrcnn.errors import DataError, UsageError
from maskrcnn.video.counting.places import Line, Zone, distinct, outside, read_lines, read_zones

coordinate = st.integers(-50, 50).map(float)
point = st.tuples(coordinate, coordinate)
unhurried = settings(deadline=None)


def test_the_line_of_the_issue():
    assert read_lines(["line 0,300 1280,300"]) == [Line("line", (0, 300), (1280, 300))]


@pytest.mark.parametrize(
    "text, line",
    [
        ("0,1 2,3", Line("line", (0, 1), (2, 3))),
        ("back door: 10.5, 20 30,-4", Line("back door", (10.5, 20), (30, -4))),
        ("gate 2 1,2 3,4", Line("gate 2", (1, 2), (3, 4))),
    ],
)
def test_names_and_numbers(text, line):
    assert read_lines([text]) == [line]


@pytest.mark.parametrize("text", ["", "line", "line 1,2", "line 1,2 3", "line 5,5 5,5", "line 1,2 3,4 5,6"])
def test_what_is_no_line_is_said_with_an_example(text):
    with pytest.raises(UsageError, match="door 0,300 1280,300"):
        read_lines([text])


def test_below_a_line_to_the_right_is_in():
    line = Line("a", (0, 10), (20, 10))
    assert line.side(np.array([5, 13])) == 3 and line.side(np.array([-5, 4])) == -6


@unhurried
@given(point, point, point, point)
def test_steps_cross_a_line_where_shapely_says_so(start, end, before, after):
    shapely = pytest.importorskip("shapely")
    assume(start != end and before != after)
    line, step = shapely.LineString([start, end]), shapely.LineString([before, after])
    a, b = np.array(before), np.array(after)
    part = Line("a", start, end).crossed_at(a, b)
    meeting = line.intersection(step)
    assume(meeting.geom_type != "LineString" or meeting.is_empty)  # one along the other
    touches = min(line.distance(shapely.Point(p)) for p in (before, after)) < 1e-6
    ends = min(step.distance(shapely.Point(p)) for p in (start, end)) < 1e-6
    assume(not ends)  # rounding decides
    if touches or not meeting.is_empty:
        assert part is not None
        np.testing.assert_allclose(a + part * (b - a), [meeting.x, meeting.y] if not meeting.is_empty else a, atol=1e-4)
    else:
        assert part is None


@unhurried
@given(st.lists(point, min_size=3, max_size=7, unique=True), point)
def test_depth_in_a_zone_is_the_distance_to_its_edge(corners, place):
    shapely = pytest.importorskip("shapely")
    polygon = shapely.Polygon(corners)
    assume(polygon.is_valid and polygon.area > 0)
    depth = Zone("a", np.array(corners)).side(np.array(place))
    far = polygon.exterior.distance(shapely.Point(place))
    assert abs(depth) == pytest.approx(far, abs=1e-9)
    if far > 1e-9:
        assert (depth > 0) == polygon.contains(shapely.Point(place))


def written(tmp_path, content, name="door.json"):
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return path


def test_zones_of_files(tmp_path):
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    plain = written(tmp_path, {"polygon": square})
    full = written(
        tmp_path, [{"name": "bed", "class": ["cat", "dog"], "polygon": square}, {"polygon": square}], "two.json"
    )
    flat = written(tmp_path, {"zones": [{"polygon": [0, 0, 10, 0, 10, 10], "class": "cat"}]}, "flat.json")
    zones = read_zones([plain, full, flat], ["cat", "dog"])
    assert [(zone.name, zone.classes) for zone in zones] == [
        ("door", ()),
        ("bed", ("cat", "dog")),
        ("two 2", ()),
        ("flat", ("cat",)),
    ]
    np.testing.assert_array_equal(zones[0].polygon, square)
    assert len(zones[3].polygon) == 3


def test_zones_that_labelme_draws(tmp_path):
    shapes = [
        {"label": "door", "shape_type": "rectangle", "points": [[1, 2], [5, 9]]},
        {"label": "rug", "shape_type": "polygon", "points": [[0, 0], [4, 0], [4, 4]]},
    ]
    zones = read_zones([written(tmp_path, {"version": "5", "shapes": shapes})], ["cat"])
    assert [zone.name for zone in zones] == ["door", "rug"]
    assert zones[0].side(np.array([3, 5])) == 2


@pytest.mark.parametrize(
    "content, words",
    [
        ({"polygons": []}, "no polygon"),
        ([], "no zone"),
        (3, "no polygon"),
        ({"polygon": [[0, 0], [1, 1]]}, "three or more corners"),
        ({"polygon": [[0, 0], [1, 1], ["a", 2]]}, "three or more corners"),
        ({"polygon": [[0, 0], [1, 0], [2, 0]]}, "no area"),
        ({"polygon": [[0, 0], [1, 0], [2, 5]], "class": "door"}, "knows no class door.*name"),
    ],
)
def test_what_is_no_zone_is_said_with_the_files_name(tmp_path, content, words):
    with pytest.raises(DataError, match=f"door.json.*{words}"):
        read_zones([written(tmp_path, content)], ["cat"])


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="nowhere.json does not exist"):
        read_zones([tmp_path / "nowhere.json"], [])


def test_names_are_made_distinct_and_places_outside_are_told():
    a = Line("a", (0, 0), (5, 0))
    zone = Zone("a", np.array([[200.0, 200], [210, 200], [210, 210]]))
    assert [place.name for place in distinct([a, zone, a])] == ["a", "a 2", "a 3"]
    assert not outside(a, (100, 100)) and outside(zone, (100, 100))
