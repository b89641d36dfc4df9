"""``maskrcnn predict clip.mp4`` with --count, --zone, --motion, --blur, --green, --alpha and pictures of the whole."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

pytest.importorskip("av")
pytest.importorskip("scipy")

from clips import HEIGHT, WIDTH, ColourDetector, read_video, save_clip, scene
from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.events import Note
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict

COUNT = 40


class WithPoints(ColourDetector):
    """Sees both ends of each square too."""

    def __init__(self, stop=None):
        super().__init__(stop)
        self.info = dataclasses.replace(self.info, keypoint_names=("head", "tail"), skeleton=((0, 1),))

    def __call__(self, image):
        found = super().__call__(image)
        x1, y1, x2, y2 = found.boxes.unbind(1)
        sure = torch.full_like(x1, 0.9)
        ends = [torch.stack([x, y, sure], 1) for x, y in ((x1, y1), (x2, y2))]
        return dataclasses.replace(found, keypoints=torch.stack(ends, 1))


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Run the job on a clip with two squares, into ``out``: its outcome and the notes."""
    monkeypatch.chdir(tmp_path)
    clip = save_clip(tmp_path / "clip.mp4", scene(COUNT), rate=10, sound="aac")

    def run(detector=ColourDetector, **options):
        notes = []
        monkeypatch.setattr("maskrcnn.jobs.predict.Predictor", lambda *model, device: detector())
        settings = PredictFilesOptions(inputs=(clip,), out=tmp_path / "out", **options)
        outcome = predict(settings, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
        assert outcome.failures == []
        return outcome, notes

    return run


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_lines_and_zones_are_counted_and_drawn(watched, tmp_path):
    zone = tmp_path / "left.json"
    zone.write_text(json.dumps({"polygon": [[0, 0], [32, 0], [32, 48], [0, 48]], "class": "green"}))
    watched(count=("middle 32,0 32,48",), zone=(str(zone),))
    rows = {(row["place"], row["class"]): row for row in table(tmp_path / "out" / "clip.counts.csv")}
    assert {place for place, _ in rows} == {"middle", "left"}
    # Right of one who walks down the line is the left of the picture; both squares begin at the right or run there.
    way = {}
    for which, name in enumerate(("red", "green")):
        x = np.array([abs((k * (which + 1) + 8 * which) % (2 * 48) - 48) + 6 for k in range(COUNT)])
        way[name] = {"in": ((x[1:] < 32) & (x[:-1] >= 32)).any(), "out": ((x[1:] > 32) & (x[:-1] <= 32)).any()}
        for direction in ("in", "out"):
            assert int(rows["middle", name][direction]) == way[name][direction]
    assert ("left", "red") not in rows and float(rows["left", "green"]["inside_s"]) > 0
    events = table(tmp_path / "out" / "clip.events.csv")
    assert {row["place"] for row in events} == {"middle", "left"} and {row["class"] for row in events} == {
        "red",
        "green",
    }
    frames, _, _ = read_video(tmp_path / "out" / "clip.mp4")
    assert (frames[5][20:40, 31:33].astype(int).mean(-1) > 180).mean() > 0.2  # the line is white, where no words are


def test_who_is_blurred_runs_into_the_ground_and_sound_is_kept(watched, tmp_path):
    rows = {}
    for blur in ((), ("red",)):
        watched(blur=blur, no_boxes=True, no_labels=True, line_width=0.5)
        frames, _, streams = read_video(tmp_path / "out" / "clip.mp4")
        assert streams == ["video h264", "audio aac"] and len(frames) == COUNT
        red, green, blue = frames[10][2, 40:48].astype(int).mean(0)  # right above the square
        rows[blur] = red - (green + blue) / 2
    assert rows["red",] > rows[()] + 15


def test_objects_on_green_and_on_nothing(watched, tmp_path):
    import av

    outcome, notes = watched(green=True, alpha="webm")
    assert names(tmp_path / "out")[:2] == ["clip.alpha.webm", "clip.green.mp4"]
    frames, times, streams = read_video(tmp_path / "out" / "clip.green.mp4")
    assert len(frames) == COUNT and streams[1:] == ["audio aac"] and times[3] == pytest.approx(0.3, abs=0.001)
    assert np.abs(frames[0][44, 5].astype(int) - (0, 177, 64)).max() < 12
    assert frames[0][10, 53].astype(int)[0] > 150  # red
    with av.open(str(tmp_path / "out" / "clip.alpha.webm")) as file:
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        first = next(frame for packet in file.demux(video=0) for frame in decoder.decode(packet))
        pixels = first.to_ndarray(format="rgba")
    assert pixels[44, 5, 3] < 10 and pixels[10, 53, 3] > 245
    assert any("webm does not hold aac" in note for note in notes)
    assert outcome.clip_writes[-2:] == (".green.mp4", ".alpha.webm")


def test_prores_with_transparency_and_sound(watched, tmp_path):
    import av

    watched(alpha="prores")
    with av.open(str(tmp_path / "out" / "clip.alpha.mov")) as file:
        pixels = next(file.decode(video=0)).to_ndarray(format="rgba")
        assert len(file.streams.audio) == 1
    assert pixels[44, 5, 3] < 10 and pixels[10, 53, 3] > 245


def test_pictures_of_the_whole(watched, tmp_path):
    watched(heat_map=True, timeline=True, cutouts=True)
    assert names(tmp_path / "out") == [
        "clip.cutouts",
        "clip.heat.jpg",
        "clip.json",
        "clip.mp4",
        "clip.timeline.png",
        "clip.tracks.csv",
    ]
    assert names(tmp_path / "out" / "clip.cutouts") == ["green-002.jpg", "red-001.jpg"]


def test_motion_of_points(watched, tmp_path):
    watched(WithPoints, motion=("csv", "bvh", "coco"))
    rows = [row for row in table(tmp_path / "out" / "clip.keypoints.csv") if row["id"] == "1"]
    x = np.array([float(row["head_x"]) for row in rows])
    expected = np.array([abs(k % 96 - 48) for k in range(COUNT)])
    np.testing.assert_allclose(x, expected, atol=1.5)
    assert names(tmp_path / "out" / "clip.bvh") == ["green-002.bvh", "red-001.bvh"]
    content = json.loads((tmp_path / "out" / "clip.keypoints.json").read_text())
    assert {entry["category_id"] for entry in content["annotations"]} == {11, 12}


def test_a_run_that_is_begun_anew_leaves_nothing_of_the_one_before(watched, tmp_path):
    watched(WithPoints, motion=("bvh", "csv"), heat_map=True, green=True)
    watched(overwrite=True)
    assert names(tmp_path / "out") == ["clip.json", "clip.mp4", "clip.tracks.csv"]


def test_places_outside_of_the_picture_are_said(watched):
    _, notes = watched(count=("far 900,0 900,48",))
    assert any(f"far lies outside of the picture, which has {WIDTH} x {HEIGHT} pixels" in note for note in notes)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"count": ("door",)}, UsageError, "door 0,300 1280,300"),
        ({"zone": ("nowhere.json",)}, DataError, "nowhere.json does not exist"),
        ({"motion": ("fbx",)}, UsageError, "--motion is one or more of csv, coco"),
        ({"motion": ("csv",)}, UsageError, "--model people"),
        ({"blur": ("person",)}, UsageError, "--blur person: the model knows red, green, blue only"),
        ({"alpha": "gif"}, UsageError, "--alpha is one of webm, prores"),
        ({"smooth": -1.0}, UsageError, "--smooth"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(watched, tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        watched(**options)
    assert not list((tmp_path / "out").glob("clip*"))


def test_what_is_for_videos_is_refused_for_pictures(tmp_path, monkeypatch, maskrcnn, tiny_file):
    from tiny import save_photo

    save_photo(tmp_path / "photo.png")
    outcome = maskrcnn("predict", tmp_path / "photo.png", "--model", tiny_file, "--out", tmp_path / "out", "--green")
    assert outcome.code == 2 and "--green is for videos; there is none among the inputs" in outcome.err
