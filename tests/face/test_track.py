"""``for frame in model.track("clip.mp4")``."""

import csv

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("scipy")

from clips import HEIGHT, WIDTH, ColourDetector, save_clip, scene
from maskrcnn import DataError, UsageError, load
from maskrcnn.face.tracked import track
from maskrcnn.inference.options import PredictOptions


class Detector(ColourDetector):
    """The same as a predictor with options and a model without further heads."""

    options = PredictOptions()

    class model:
        heads: dict = {}


def test_frames_come_with_the_numbers_of_their_objects(tmp_path):
    clip = save_clip(tmp_path / "clip.mp4", scene(12), rate=10)
    frames = list(track(Detector(), clip))
    assert [frame.index for frame in frames] == list(range(12))
    assert np.allclose([frame.time for frame in frames], np.arange(12) / 10)
    for frame in frames:
        assert frame.ids.tolist() == [1, 2] and frame.names.tolist() == ["red", "green"]
        assert frame.ids.dtype == np.int64 and frame.image.shape == (HEIGHT, WIDTH, 3)
        assert frame[frame.names == "green"].ids.tolist() == [2] and frame.masks.shape == (2, HEIGHT, WIDTH)
    assert frames[3].draw().size == (WIDTH, HEIGHT) and repr(frames[0]) == "2 objects: 1 red, 1 green"


def test_what_does_not_count_yet_comes_where_it_is_asked_for(tmp_path):
    late = scene(4, squares=0) + scene(12, squares=1)[4:]
    clip = save_clip(tmp_path / "clip.mp4", late)
    assert [frame.ids.tolist() for frame in track(Detector(), clip)] == [[]] * 7 + [[1]] * 5
    assert [frame.ids.tolist() for frame in track(Detector(), clip, unsure=True)] == [[]] * 4 + [[0]] * 3 + [[1]] * 5


def test_a_program_and_the_command_give_the_same(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = save_clip(tmp_path / "clip.mp4", scene(8))
    assert maskrcnn("predict", "clip.mp4", "--model", tiny_file, "--every", 2).code == 0
    with (tmp_path / "out" / "clip.tracks.csv").open(newline="") as file:
        rows = [(int(row["frame"]), int(row["id"]), float(row["x"])) for row in csv.DictReader(file)]
    model = load(tiny_file)
    seen = [
        (frame.index, number, round(float(box[0]), 2))
        for frame in model.track("clip.mp4", every=2)
        for number, box in zip(frame.ids.tolist(), frame.boxes)
    ]
    assert set(seen) <= set(rows)  # the table also has the frames before an object came to count
    assert {number for _, number, _ in rows} == {number for _, number, _ in seen}
    again = [frame.ids.tolist() for frame in model.track(str(clip), every=2)]
    assert again == [frame.ids.tolist() for frame in model.track(clip, every=2)]


def test_a_walk_that_is_left_lets_go_of_the_file(tmp_path):
    import threading

    before = threading.active_count()
    frames = track(Detector(), save_clip(tmp_path / "clip.mp4", scene(30)))
    assert next(frames).index == 0
    frames.close()
    assert threading.active_count() == before


def test_what_is_no_video_is_said(tiny_file, tmp_path):
    model = load(tiny_file)
    (tmp_path / "a.txt").write_text("no video")
    with pytest.raises(DataError, match=r"a\.txt is no video"):
        next(model.track(tmp_path / "a.txt"))
    with pytest.raises(DataError, match="There is no camera /dev/video99"):
        next(model.track(99))
    with pytest.raises(UsageError, match="There is no option conf: did you mean score"):
        next(model.track(tmp_path / "a.txt", conf=0.3))
