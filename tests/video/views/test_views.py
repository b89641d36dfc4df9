"""Pictures of a whole made-up clip: heat, timeline and best views."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from made_tracks import CANVAS, SIZE, frames_of, straight
from maskrcnn.video.views.best import GONE, BestViews
from maskrcnn.video.views.heat import HeatMap
from maskrcnn.video.views.timeline import MOST, Presence, Timeline, draw_timeline


def shown(sink, frames, numbers):
    for frame in frames:
        sink.add(frame)
    sink.finish(numbers)


@pytest.mark.parametrize("with_masks", [True, False])
def test_seconds_of_the_heat_map_are_those_in_which_a_place_was_covered(tmp_path, with_masks):
    frames = list(frames_of({1: [(40.0, 60.0)] * 21, 2: [(120.0, 60.0)] * 11}))
    if not with_masks:
        for frame in frames:
            frame.objects.regions = None
    sink = HeatMap(tmp_path / "heat.jpg")
    shown(sink, frames, {1: 1, 2: 2})
    assert sink._heat.shape == CANVAS
    assert sink._heat[60, 40] == pytest.approx(2.0) and sink._heat[60, 120] == pytest.approx(1.0)
    assert sink._heat[20, 40] == 0
    area = np.count_nonzero(frames[0].objects.regions.window(0)) if with_masks else SIZE[0] * SIZE[1]
    assert sink._heat.sum() == pytest.approx(3.0 * area)


def test_heat_of_large_frames_is_kept_on_a_coarse_grid(tmp_path, monkeypatch):
    monkeypatch.setattr("maskrcnn.video.views.heat.CELLS", 32)
    sink = HeatMap(tmp_path / "heat.jpg")
    shown(sink, frames_of({1: straight((50, 60), (53, 61), 11)}), {1: 1})
    area = np.count_nonzero(next(frames_of({1: [(50, 60)]})).objects.regions.window(0))
    assert sink._heat.shape == (24, 32)
    assert sink._heat.sum() * 25 == pytest.approx(1.0 * area, rel=0.03)
    picture = Image.open(tmp_path / "heat.jpg")
    assert picture.width == CANVAS[1] and picture.height > CANVAS[0]


def test_what_never_counts_leaves_no_heat_and_what_counts_later_leaves_all_of_it(tmp_path):
    sink = HeatMap(tmp_path / "heat.jpg")
    paths = {1: [(40.0, 60.0)] * 11, 2: [(120.0, 60.0)] * 11}
    shown(sink, frames_of(paths, confirmed={1: 10**6, 2: 8}), {2: 1})
    assert sink._heat[60, 40] == 0 and sink._heat[60, 120] == pytest.approx(1.0)


def test_heat_stands_where_the_object_was(tmp_path):
    shown(HeatMap(tmp_path / "heat.png"), frames_of({1: [(40.0, 60.0)] * 5}), {1: 1})
    picture = np.asarray(Image.open(tmp_path / "heat.png").convert("RGB")).astype(int)
    chroma = picture.max(2) - picture.min(2)
    assert chroma[55:65, 32:48].mean() > chroma[55:65, 100:140].mean() + 30


def test_stretches_of_a_timeline(tmp_path):
    gap = [place if not 20 <= k < 40 else None for k, place in enumerate([(40.0, 60.0)] * 60)]
    blink = [place if k != 30 else None for k, place in enumerate([(120.0, 60.0)] * 60)]
    sink = Timeline(tmp_path / "timeline.png", ["cat", "dog"], "clip", 10)
    shown(sink, frames_of({1: gap, 2: blink}, labels={2: 2}), {1: 1, 2: 2})
    assert sink._there[1].stretches == [pytest.approx([0, 2.0]), pytest.approx([4.0, 6.0])]
    assert sink._there[2].stretches == [pytest.approx([0, 6.0])]
    assert Image.open(tmp_path / "timeline.png").height > 60


def test_bars_stand_where_objects_were_there():
    rows = [("cat", 1, Presence([[0, 5]])), ("dog", 2, Presence([[5, 10]]))]
    picture = np.asarray(draw_timeline(rows, 10.0, "clip")).astype(int)
    coloured = (picture.max(2) - picture.min(2)) > 100
    halves = [np.flatnonzero(coloured[row].any(0)) for row in (slice(0, 98), slice(98, None))]
    middle = (halves[0].min() + halves[1].max()) / 2
    assert halves[0].max() <= middle + 3 and halves[1].min() >= middle - 3


def test_of_many_objects_a_timeline_shows_those_that_were_there_longest():
    rows = [("cat", k, Presence([[0, k / 100]])) for k in range(1, MOST + 50)]
    assert draw_timeline(rows, 3.0, "clip").height == draw_timeline(rows[:MOST], 3.0, "clip").height


def test_the_best_view_is_whole_rather_than_at_the_edge(tmp_path):
    path = [*straight((2, 60), (10, 60), 5), (80.0, 60.0), *straight((158, 60), (160, 60), 5)]
    sink = BestViews(tmp_path / "best", ["cat", "big/dog"])
    shown(sink, frames_of({7: path, 8: [(50.0, 50.0)] * 3}, labels={7: 1, 8: 2}), {7: 1, 8: 2})
    assert sink._views[7].frame == 5
    names = [file.name for file in sorted((tmp_path / "best").iterdir())]
    assert names == ["big_dog-002.jpg", "cat-001.jpg"]
    width, height = Image.open(tmp_path / "best" / "cat-001.jpg").size
    assert SIZE[0] <= width <= SIZE[0] + 8 and SIZE[1] <= height <= SIZE[1] + 8


def test_views_of_objects_that_never_count_are_given_up(tmp_path):
    sink = BestViews(tmp_path / "best", ["cat"])
    paths = {1: [(50.0, 50.0), *[None] * (GONE + 5)], 2: [(100.0, 60.0)] * (GONE + 6)}
    shown(sink, frames_of(paths, confirmed={1: 10**6}), {2: 1})
    assert set(sink._views) == {2}
    assert [file.name for file in (tmp_path / "best").iterdir()] == ["cat-001.jpg"]
