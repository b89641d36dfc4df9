"""Frames of a stream in a window while they come; where Xvfb is installed, on a display of its own."""

import json
import shutil
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

pytest.importorskip("av")
pytest.importorskip("scipy")

from clips import read_video, save_clip, scene
from maskrcnn.apps.cli import console
from maskrcnn.apps.cli.live_window import LiveWindow, NoWindow

FRAMES = 30


@pytest.fixture
def camera(tmp_path):
    """The address of a camera on this machine: MPEG-TS over loopback, which ends after three seconds of video."""
    data = save_clip(tmp_path / "sent.ts", scene(FRAMES), rate=10).read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send():
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    thread.join(5)


@pytest.fixture
def display(monkeypatch):
    """A display without a screen."""
    pytest.importorskip("tkinter")
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        number = server.stdout.readline().strip()
        monkeypatch.setenv("DISPLAY", f":{number}")
        yield f":{number}"
        server.terminate()


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


class Watcher:
    """Stands for a window whose user closes it when so many frames were shown."""

    def __init__(self, enough):
        self.enough, self.shown, self.closed = enough, [], False

    def __call__(self, title):
        self.title = title
        return self

    def show(self, picture):
        self.shown.append(picture)
        return len(self.shown) < self.enough

    def close(self):
        self.closed = True


def run(display, lines):
    """In a process of its own, which Xlib ends where a display goes away."""
    before = ["from PIL import Image, ImageGrab", "from maskrcnn.apps.cli.live_window import LiveWindow"]
    code = "\n".join(
        [*before, "window = LiveWindow('camera')", textwrap.dedent(lines), "window.close()", "print('done')"]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n", done.stderr


def test_what_is_on_the_screen_is_the_frame_in_its_colours(display):
    run(
        display,
        f"""
        for colour in ((200, 30, 10), (10, 30, 200)):  # the second is painted over the first
            assert window.show(Image.new("RGB", (80, 60), colour))
            window.root.update()
            x, y = window.label.winfo_rootx(), window.label.winfo_rooty()
            pixels = ImageGrab.grab(xdisplay="{display}").convert("RGB")
            assert pixels.getpixel((x + 40, y + 30)) == colour, pixels.getpixel((x + 40, y + 30))
        """,
    )


def test_a_frame_that_is_larger_than_the_screen_is_shown_smaller(display):
    run(
        display,
        """
        assert window.show(Image.new("RGB", (1280, 480)))
        assert (window.photo.width(), window.photo.height()) == (288, 108)
        """,
    )


@pytest.mark.parametrize(
    "end",
    [
        "window.root.event_generate('<Escape>')",
        "window.root.tk.eval(window.root.protocol('WM_DELETE_WINDOW'))",
    ],
)
def test_escape_and_a_closed_window_end_it(display, end):
    run(
        display,
        f"""
        picture = Image.new("RGB", (80, 60))
        assert window.show(picture)
        window.root.focus_force()
        window.root.update()
        assert window.show(picture)
        {end}
        assert not window.show(picture)
        """,
    )


def test_no_display_is_said(no_display):
    pytest.importorskip("tkinter")
    with pytest.raises(NoWindow, match="there is no display"):
        LiveWindow("camera")


def test_a_stream_without_a_display_is_written_and_that_is_said_once(
    maskrcnn, tiny_file, tmp_path, monkeypatch, camera, no_display
):
    monkeypatch.chdir(tmp_path)
    done = maskrcnn("predict", camera, "--model", tiny_file, "--out", "seen")
    assert done.code == 0 and done.err.count("no window is opened") == 1, done.err
    assert len(list((tmp_path / "seen").glob("*.mp4"))) == 1


def test_a_closed_window_ends_the_run_and_its_files_are_whole(maskrcnn, tiny_file, tmp_path, monkeypatch, camera):
    watcher = Watcher(enough=1)
    monkeypatch.setattr(console, "LiveWindow", watcher)
    monkeypatch.chdir(tmp_path)
    done = maskrcnn("predict", camera, "--model", tiny_file, "--out", "seen")
    assert done.code == 0, done.err
    assert (
        len(watcher.shown) == 1 and watcher.closed and watcher.title == camera[6:].translate(str.maketrans(".:", "--"))
    )
    (overlay,) = (tmp_path / "seen").glob("*.mp4")
    (tracks,) = (tmp_path / "seen").glob("*.json")
    length = json.loads(tracks.read_text())["videos"][0]["length"]
    assert len(read_video(overlay)[0]) == length and 1 <= length <= 3  # at most those that were on their way


def test_no_window_is_opened_where_none_is_wanted_nor_for_a_file(maskrcnn, tiny_file, tmp_path, monkeypatch, camera):
    watcher = Watcher(enough=2)
    monkeypatch.setattr(console, "LiveWindow", watcher)
    monkeypatch.chdir(tmp_path)
    assert maskrcnn("predict", camera, "--model", tiny_file, "--no-window").code == 0
    assert maskrcnn("predict", "sent.ts", "--model", tiny_file, "--out", "file").code == 0
    assert watcher.shown == []
