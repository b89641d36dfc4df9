"""Videos that go on for long, and those that come by the clock."""

import gc
import json
import socket
import threading
import tracemalloc

import pytest

pytest.importorskip("av")
pytest.importorskip("scipy")

from clips import ColourDetector, save_clip, scene
from maskrcnn.inference.results.journal import Journal
from maskrcnn.jobs.events import InputDone, Progress
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.sequences.clips import predict_clips
from maskrcnn.video.ahead import Ahead
from maskrcnn.video.reading.open import Source

SHORT, LONG = 80, 320
ROOM = 120_000  # bytes by which memory may differ: less than a dozen frames of this size


def follow(clip, out, tell=lambda event: None, **options):
    settings = PredictFilesOptions(inputs=(clip,), out=out, **options)
    return predict_clips(ColourDetector(), [Source(clip)], settings, Journal(out), tell)


def test_memory_does_not_grow_with_the_video(tmp_path):
    """``python benchmarks/video.py --memory 20000`` is the long form."""
    going = [scene(1, squares=2 if k % 60 < 20 else 1)[0] for k in range(LONG)]  # a new object every 60 frames
    clip = save_clip(tmp_path / "clip.avi", going, codec="mpeg4", rate=25)
    del going
    held = {}

    def tell(event):
        if isinstance(event, Progress) and event.done in (SHORT, LONG - 5):
            gc.collect()
            held[event.done] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        done = follow(clip, tmp_path / "out", tell)
    finally:
        tracemalloc.stop()
    assert done.frames == LONG and done.objects[str(clip)] >= 4
    assert held[LONG - 5] - held[SHORT] < ROOM, held


def test_frames_that_nobody_takes_wait_and_those_of_a_camera_are_dropped():
    made, proceed = [], threading.Event()

    def frames():
        for k in range(20):
            made.append(k)
            yield k
        proceed.set()

    with Ahead(frames(), most=3) as ahead:
        assert next(ahead) == 0
        assert not proceed.wait(0.2) and len(made) <= 5
        assert list(ahead) == list(range(1, 20))
    made.clear()
    proceed.clear()
    with Ahead(frames(), newest=True) as ahead:
        assert proceed.wait(5)
        assert list(ahead)[-1] == 19


def test_what_goes_wrong_while_reading_is_raised_where_it_is_due():
    def frames():
        yield 1
        raise ValueError("broken")

    with Ahead(frames()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="broken"):
            next(ahead)


@pytest.fixture
def camera(tmp_path):
    """The address of a camera on this machine: MPEG-TS over loopback, which ends after three seconds of video."""
    data = save_clip(tmp_path / "sent.ts", scene(30), rate=10).read_bytes()
    server = socket.create_server(("127.0.0.1", 0))

    def send():
        connection, _ = server.accept()
        with connection:
            connection.sendall(data)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    server.close()
    thread.join(5)


def test_a_stream_is_followed_until_it_ends(maskrcnn, tiny_file, tmp_path, monkeypatch, camera):
    monkeypatch.chdir(tmp_path)
    done = maskrcnn("predict", camera, "--model", tiny_file, "--out", "seen", "--no-window")
    assert done.code == 0, done.err
    name = camera.removeprefix("tcp://").translate(str.maketrans(".:", "--"))
    (video,) = json.loads((tmp_path / "seen" / f"{name}.json").read_text())["videos"]
    assert 1 <= video["length"] <= 30 and video["times"] == sorted(video["times"])
    assert (tmp_path / "seen" / f"{name}.mp4").is_file() and done.out.startswith(f"{camera}: ")


def test_ctrl_c_ends_a_stream_and_its_files_are_whole(tmp_path, monkeypatch, camera):
    from pathlib import Path

    events = []
    settings = PredictFilesOptions(inputs=(Path(camera),), out=tmp_path / "seen")
    outcome = predict_clips(
        ColourDetector(stop=1), [Source(Path(camera))], settings, Journal(tmp_path / "seen"), events.append
    )
    assert outcome.failures == [] and outcome.frames == 1
    assert [event.objects for event in events if isinstance(event, InputDone)] == [2]
    assert len(list((tmp_path / "seen").glob("*.mp4"))) == 1


def test_a_stream_that_is_not_there_is_a_sentence(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = maskrcnn("predict", f"tcp://127.0.0.1:{port}", "--model", tiny_file)
    assert done.code == 1 and f"failed: tcp://127.0.0.1:{port} cannot be opened" in done.err
