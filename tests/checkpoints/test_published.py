"""Fetching what torchvision publishes, from a server on this machine: whole, damaged, cut off, and not at all."""

import dataclasses
import hashlib
import http.server
import threading

import pytest

from maskrcnn.checkpoints.foreign import published
from maskrcnn.checkpoints.foreign.published import PUBLISHED, Published, fetch, recognise
from maskrcnn.errors import CheckpointError
from maskrcnn.files import CACHE, cache_folder

CONTENT = bytes(range(256)) * 5000
HASH = hashlib.sha256(CONTENT).hexdigest()[:8]
FILE = Published(f"model_coco-{HASH}.pth", "things", 1)


class Server(http.server.BaseHTTPRequestHandler):
    """Gives CONTENT, or the half of it, or something else, by the folder that is asked for."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        kind = self.path.split("/")[1]
        if kind == "nothing":
            self.send_error(404)
            return
        content = CONTENT[::-1] if kind == "wrong" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if kind == "half" else content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def from_server(address, monkeypatch):
    Server.asked.clear()
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return lambda kind: monkeypatch.setenv(published.MIRROR, f"{address}/{kind}")


def test_a_file_is_fetched_once_and_is_whole(from_server, tmp_path):
    from_server("right")
    path = fetch(FILE, tmp_path / "cache")
    assert path == tmp_path / "cache" / FILE.file and path.read_bytes() == CONTENT
    assert fetch(FILE, tmp_path / "cache") == path
    assert Server.asked == [f"/right/{FILE.file}"]


@pytest.mark.parametrize(
    "kind, said",
    [
        ("wrong", f"not with {HASH} as its name says; fetch it again."),
        ("half", "could not be fetched"),
        ("nothing", "could not be fetched"),
    ],
)
def test_what_is_damaged_cut_off_or_not_there_is_said_and_leaves_nothing(from_server, tmp_path, kind, said):
    from_server(kind)
    with pytest.raises(CheckpointError) as error:
        fetch(FILE, tmp_path)
    assert said in str(error.value) and FILE.file in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_says_after_how_much(from_server, tmp_path):
    from_server("half")
    with pytest.raises(CheckpointError, match="half.*(broke off|IncompleteRead|640000)"):
        fetch(FILE, tmp_path)


def test_without_a_network_the_sentence_says_what_to_do_with_a_file_fetched_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv(published.MIRROR, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(CheckpointError) as error:
        fetch(FILE, tmp_path)
    assert f"put it into {tmp_path}, or name it: --model {FILE.file}." in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_put_into_the_cache_by_hand_is_checked_and_used(monkeypatch, tmp_path):
    monkeypatch.setenv(published.MIRROR, "http://127.0.0.1:9")
    (tmp_path / FILE.file).write_bytes(CONTENT)
    assert fetch(FILE, tmp_path).read_bytes() == CONTENT
    (tmp_path / FILE.file).write_bytes(CONTENT[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        fetch(FILE, tmp_path)


def test_the_cache_is_the_users_own_or_the_one_that_was_named(monkeypatch, tmp_path):
    monkeypatch.delenv(CACHE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "maskrcnn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "maskrcnn"
    monkeypatch.setenv(CACHE, str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_a_file_is_recognised_by_its_hash_whatever_its_name(monkeypatch, tmp_path):
    monkeypatch.setitem(PUBLISHED, "coco", dataclasses.replace(FILE, norm_eps=0.0))
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    assert recognise(tmp_path / "mine.pth") == PUBLISHED["coco"]
    (tmp_path / "other.pth").write_bytes(CONTENT[1:])
    assert recognise(tmp_path / "other.pth") is None
    (tmp_path / FILE.file).write_bytes(CONTENT[1:])
    with pytest.raises(CheckpointError, match="is damaged"):
        recognise(tmp_path / FILE.file)


def test_every_name_ends_in_a_hash_and_the_first_three_have_an_epsilon_of_zero():
    assert all(len(p.hash) == 8 and int(p.hash, 16) for p in PUBLISHED.values())
    assert {name for name, p in PUBLISHED.items() if p.norm_eps == 0} == {"coco", "coco-keypoints", "coco-faster"}
