"""``maskrcnn predict clip.mp4``: what it writes, and what it says of what it cannot do."""

import csv
import json
import sys

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("scipy")

from hotcoco import mask as coco_mask

from clips import HEIGHT, WIDTH, ColourDetector, read_video, save_clip, scene
from maskrcnn.jobs.events import InputDone, Progress
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict
from tiny import save_photo


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Run the job with the detector of colours, into ``out``: ``watched(clip, every=2) -> (outcome, events)``."""
    monkeypatch.chdir(tmp_path)

    def run(*inputs, stop=None, **options):
        detector, events = ColourDetector(stop), []
        monkeypatch.setattr("maskrcnn.jobs.predict.Predictor", lambda *model, device: detector)
        settings = PredictFilesOptions(inputs=inputs, out=tmp_path / "out", **options)
        outcome = predict(settings, events.append)
        assert outcome.failures == []
        return outcome, events

    return run


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_clip_becomes_a_video_a_table_and_tracks(watched, tmp_path):
    clip = save_clip(tmp_path / "clip.mp4", scene(20), rate=10, sound="aac")
    outcome, events = watched(clip)
    assert names(tmp_path / "out") == ["clip.json", "clip.mp4", "clip.tracks.csv"]
    assert outcome.clips == {str(clip): 2} and outcome.objects == {}
    frames, times, streams = read_video(tmp_path / "out" / "clip.mp4")
    assert len(frames) == 20 and frames[0].shape == (HEIGHT, WIDTH, 3) and streams == ["video h264", "audio aac"]
    assert np.allclose(times, np.arange(20) / 10, atol=0.001)
    assert np.abs(frames[3].astype(int) - scene(20)[3]).mean() > 3  # something is drawn
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 20
    assert [event.objects for event in events if isinstance(event, InputDone)] == [2]


def test_the_table_has_a_row_for_each_object_of_each_frame(watched, tmp_path):
    watched(save_clip(tmp_path / "clip.mp4", scene(20), rate=10))
    rows = table(tmp_path / "out" / "clip.tracks.csv")
    assert len(rows) == 40 and {row["id"] for row in rows} == {"1", "2"}
    for row in rows:
        k, number = int(row["frame"]), int(row["id"])
        assert float(row["time_s"]) == pytest.approx(k / 10)
        x = abs((k * number + 8 * (number - 1)) % (2 * (WIDTH - 16)) - (WIDTH - 16))
        assert float(row["x"]) == pytest.approx(x, abs=2) and row["class"] == ("red", "green")[number - 1]
        assert 100 < int(row["area_px"]) < 200
    assert rows[0]["speed_px_per_s"] == ""
    assert float(rows[8]["speed_px_per_s"]) == pytest.approx(10, abs=3)  # a pixel a frame
    assert float(rows[9]["speed_px_per_s"]) == pytest.approx(20, abs=4)


def test_tracks_are_in_the_form_of_youtube_vis(watched, tmp_path):
    watched(save_clip(tmp_path / "clip.mp4", scene(20), rate=10))
    content = json.loads((tmp_path / "out" / "clip.json").read_text())
    (video,) = content["videos"]
    assert (video["width"], video["height"], video["length"]) == (WIDTH, HEIGHT, 20)
    assert video["frame_indices"] == list(range(20)) and video["times"][3] == 0.3
    assert [one["name"] for one in content["categories"]] == ["red", "green", "blue"]
    rows = table(tmp_path / "out" / "clip.tracks.csv")
    for track in content["annotations"]:
        assert (track["video_id"], track["category_id"]) == (1, 10 + track["id"])
        own = [row for row in rows if int(row["id"]) == track["id"]]
        assert len(track["segmentations"]) == len(track["bboxes"]) == len(track["areas"]) == 20
        for row, mask, box, area in zip(own, track["segmentations"], track["bboxes"], track["areas"], strict=True):
            assert coco_mask.area(mask) == area == int(row["area_px"]) and mask["size"] == [HEIGHT, WIDTH]
            assert box == [float(row[name]) for name in ("x", "y", "width", "height")]
    assert [track["id"] for track in content["annotations"]] == [1, 2]


def test_frames_without_an_object_are_null(watched, tmp_path):
    gone = scene(20, squares=1)[:12] + scene(20, squares=0)[:8]
    gone[4] = scene(20, squares=0)[4]
    watched(save_clip(tmp_path / "clip.mp4", gone))
    (track,) = json.loads((tmp_path / "out" / "clip.json").read_text())["annotations"]
    seen = [mask is not None for mask in track["segmentations"]]
    assert seen == [k < 12 and k != 4 for k in range(20)] == [box is not None for box in track["bboxes"]]


def test_a_part_of_a_clip_keeps_its_frames_and_times(watched, tmp_path):
    clip = save_clip(tmp_path / "clip.mp4", scene(20), rate=10, sound="aac")
    watched(clip, from_="0.5", to="1.5", every=2)
    rows = table(tmp_path / "out" / "clip.tracks.csv")
    assert sorted({int(row["frame"]) for row in rows}) == [6, 8, 10, 12, 14]
    assert json.loads((tmp_path / "out" / "clip.json").read_text())["videos"][0]["frame_indices"] == [6, 8, 10, 12, 14]
    _, times, streams = read_video(tmp_path / "out" / "clip.mp4")
    assert np.allclose(times, [0, 0.2, 0.4, 0.6, 0.8], atol=0.001) and "audio aac" in streams


@pytest.mark.parametrize("name, codec, sound", [("a.mkv", "libx264", "pcm_s16le"), ("a.webm", "libvpx-vp9", "libopus")])
def test_sound_that_mp4_does_not_hold_is_encoded_anew(watched, tmp_path, name, codec, sound):
    watched(save_clip(tmp_path / name, scene(20), codec=codec, sound=sound))
    streams = read_video(tmp_path / "out" / "a.mp4")[2]
    assert streams == ["video h264", "audio opus" if "opus" in sound else "audio aac"]
    import av

    with av.open(str(tmp_path / "out" / "a.mp4")) as file:
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert seconds == pytest.approx(2.0, abs=0.15)


def test_odd_sizes_become_even_by_a_row_and_a_column(watched, tmp_path):
    watched(save_clip(tmp_path / "clip.mkv", scene(6, 47, 63), codec="ffv1", pix_fmt="bgr0"))
    assert read_video(tmp_path / "out" / "clip.mp4")[0][0].shape == (48, 64, 3)
    assert json.loads((tmp_path / "out" / "clip.json").read_text())["videos"][0]["width"] == 63


def test_a_video_of_one_frame(watched, tmp_path):
    watched(save_clip(tmp_path / "clip.mp4", scene(1)))
    assert len(table(tmp_path / "out" / "clip.tracks.csv")) == 2
    assert len(read_video(tmp_path / "out" / "clip.mp4")[0]) == 1


def test_a_run_that_was_stopped_goes_on_with_the_same_numbers_and_the_same_bytes(watched, tmp_path):
    clip = save_clip(tmp_path / "clip.mp4", scene(30))
    watched(clip)
    whole = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")}
    with pytest.raises(KeyboardInterrupt, match="13 frames of .*clip.mp4 are done: go on with --skip-done"):
        watched(clip, stop=13, overwrite=True)
    assert names(tmp_path / "out") == []
    outcome, _ = watched(clip, skip_done=True)
    assert outcome.clips == {str(clip): 2}
    assert {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")} == whole
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".jsonl"] == [".predictions.jsonl"]


def test_frames_that_were_done_are_not_looked_at_again(watched, tmp_path, monkeypatch):
    clip = save_clip(tmp_path / "clip.mp4", scene(30))
    with pytest.raises(KeyboardInterrupt):
        watched(clip, stop=13)
    spool = tmp_path / "out" / ".clip.frames.jsonl"
    with spool.open("ab") as file:
        file.write(b'{"frame": 13, "cut o')  # as a kill leaves it
    done = len(spool.read_bytes().splitlines()) - 2
    with pytest.raises(KeyboardInterrupt):
        watched(clip, stop=30 - done - 1, skip_done=True)
    outcome, _ = watched(clip, stop=3, skip_done=True)
    assert outcome.clips == {str(clip): 2}


def test_what_is_done_is_not_done_again_and_a_new_clip_is(watched, tmp_path):
    first, second = (save_clip(tmp_path / name / "clip.mp4", scene(8)) for name in "ab")
    watched(first)
    outcome, _ = watched(first, second, skip_done=True, stop=8)
    assert outcome.clips == {str(first): 2, str(second): 2} and outcome.clips_before == 1
    assert names(tmp_path / "out") == [
        f"{name}{ending}" for name in ("clip-2", "clip") for ending in (".json", ".mp4", ".tracks.csv")
    ]


def test_a_folder_of_frames_is_a_video_where_that_is_asked(watched, tmp_path):
    from PIL import Image

    (tmp_path / "run").mkdir()
    for k, frame in enumerate(scene(12)):
        Image.fromarray(frame).save(tmp_path / "run" / f"{k}.png")
    outcome, _ = watched(tmp_path / "run", video=True, fps=5)
    assert outcome.clips == {str(tmp_path / "run"): 2}
    (video,) = json.loads((tmp_path / "out" / "run.json").read_text())["videos"]
    assert video["file_names"][10] == "10.png" and video["times"][10] == 2.0


def test_photos_and_clips_of_one_folder_are_both_done(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_photo(tmp_path / "in" / "photo.png")
    save_clip(tmp_path / "in" / "clip.mp4", scene(6))
    (tmp_path / "in" / "bad.mp4").write_text("no video")
    done = maskrcnn("predict", "in", "--model", tiny_file)
    assert done.code == 1 and done.err.startswith("failed: in/bad.mp4 is no video that can be read")
    assert {"clip.mp4", "clip.json", "photo.png", "predictions.json"} <= set(names(tmp_path / "out"))
    assert "followed in 1 video; clip.mp4, clip.tracks.csv and clip.json are in out" in done.out
    again = maskrcnn("predict", "in", "--model", tiny_file, "--skip-done")
    assert "1 of them done before" in again.out and again.code == 1


def test_on_the_command_line(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_clip(tmp_path / "clip.mp4", scene(10))
    done = maskrcnn("predict", "clip.mp4", "--model", tiny_file, "--from", "0.2", "--to", "0.8", "--score", 0.3)
    assert done.code == 0 and "in 6 frames" in done.out.splitlines()[0]
    lines = maskrcnn("predict", "clip.mp4", "--model", tiny_file, "--out", "o", "--json", "--until", "0:00.5").out
    assert json.loads(lines)["file"] == "clip.mp4"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--every", "0"], "--every must be at least 1"),
        (["--fps", "0"], "--fps must lie between 0 and 1000"),
        (["--from", "soon"], "--from takes a time"),
        (["--from", "3", "--to", "2"], "A part from 3 to 2 holds nothing"),
        (["--label-maps"], "--label-maps is for images, not for videos"),
        (["--to", "labelme"], "--to labelme is for images, not for videos"),
        (["--vid-stride", "3"], "did you mean --every"),
    ],
)
def test_what_cannot_be_done_is_said(refused, tiny_file, tmp_path, arguments, sentence):
    clip = save_clip(tmp_path / "clip.mp4", scene(2))
    assert sentence in refused("predict", clip, "--model", tiny_file, "--out", tmp_path / "out", *arguments)


def test_without_the_extra_it_is_named(refused, tiny_file, tmp_path, monkeypatch):
    clip = save_clip(tmp_path / "clip.mp4", scene(2))
    monkeypatch.setitem(sys.modules, "av", None)
    sentence = refused("predict", clip, "--model", tiny_file, "--out", tmp_path / "out")
    assert "pip install 'maskrcnn[video]'" in sentence


def test_a_model_of_recordings_looks_at_no_video(maskrcnn, tmp_path):
    from maskrcnn.pretrained import shipped_models

    if "ecg" not in shipped_models():
        pytest.skip("the model of ECG records is not shipped")
    clip = save_clip(tmp_path / "clip.mp4", scene(2))
    done = maskrcnn("predict", clip, "--model", "ecg", "--out", tmp_path / "out")
    assert done.code == 2 and "clip.mp4 is a video, and the model looks at recordings" in done.err


def test_no_camera_is_a_sentence(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = maskrcnn("predict", "99", "--model", tiny_file)
    assert done.code == 1 and "There is no camera /dev/video99" in done.err
