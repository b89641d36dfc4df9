"""Inputs that are named by their address, from a server on this machine: whole, cut off, too large, too slow, not at
all."""

import contextlib
import http.server
import threading
import time

import pytest

from maskrcnn.data.parsing.fetching import fetch_input, is_address
from maskrcnn.errors import DataError

CONTENT = bytes(range(256)) * 40


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by the first folder that is asked for."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        kind = self.path.split("/")[1]
        if kind.isdecimal():
            self.send_error(int(kind))
            return
        if kind in ("moved", "away"):
            self.send_response(302)
            self.send_header("Location", "/right/other.png" if kind == "moved" else "file:///etc/hostname")
            self.end_headers()
            return
        self.send_response(200)
        if kind == "nameless":
            self.send_header("Content-Type", "image/png")
        if kind != "endless":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        with contextlib.suppress(OSError):  # whoever asked may have left
            if kind == "slow":
                for k in range(20):
                    self.wfile.write(CONTENT[k : k + 1])
                    time.sleep(0.1)
            else:
                self.wfile.write(CONTENT[: len(CONTENT) // 2] if kind == "half" else CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Server.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_file_is_asked_for_once_and_is_whole(address, tmp_path):
    path = fetch_input(f"{address}/right/a photo.jpg?size=large", tmp_path)
    assert path == tmp_path / "a photo.jpg" and path.read_bytes() == CONTENT
    assert Server.asked == ["/right/a%20photo.jpg?size=large"]


def test_an_address_without_a_suffix_gets_that_of_its_type(address, tmp_path):
    assert fetch_input(f"{address}/nameless/picture", tmp_path).name == "picture.png"
    assert fetch_input(f"{address}/nameless/", tmp_path).name == "nameless.png"


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", ".hidden", "a" * 400 + ".png", "%00%0A.png"])
def test_no_address_leaves_the_folder(address, tmp_path, name):
    folder = tmp_path / "inside"
    path = fetch_input(f"{address}/right/{name}", folder)
    assert path.parent == folder and list(folder.iterdir()) == [path] and not path.name.startswith(".")


def test_a_file_that_has_moved_is_found(address, tmp_path):
    assert fetch_input(f"{address}/moved/photo.png", tmp_path).name == "other.png"


@pytest.mark.parametrize(
    "asked, said",
    [
        ("404/photo.jpg", "the server says 404, there is no such file on it"),
        ("401/photo.jpg", "it asks for a login"),
        ("500/photo.jpg", "the server says 500, Internal Server Error"),
        ("half/photo.jpg", "broke off before its end"),
        ("away/photo.jpg", "cannot be fetched"),
    ],
)
def test_what_fails_is_one_sentence_and_leaves_nothing(address, tmp_path, asked, said):
    with pytest.raises(DataError) as error:
        fetch_input(f"{address}/{asked}", tmp_path)
    told = str(error.value)
    assert told.startswith(f"{address}/{asked}") and said in told and "\n" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["right", "endless"])
def test_more_bytes_than_are_allowed_are_refused(address, tmp_path, kind):
    with pytest.raises(DataError, match="is larger than 100 bytes; fetch it yourself"):
        fetch_input(f"{address}/{kind}/photo.jpg", tmp_path, most_bytes=100)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_is_left(address, tmp_path):
    with pytest.raises(DataError, match=r"took too long|was not here after 0 s"):
        fetch_input(f"{address}/slow/photo.jpg", tmp_path, longest=0.3)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"127.0.0.1:9/photo.jpg cannot be fetched \(.+\); check the address"):
        fetch_input("http://127.0.0.1:9/photo.jpg", tmp_path, longest=2)


@pytest.mark.parametrize(
    "text, is_one", [("https://host/a.png", True), ("HTTP://host", True), ("http:", False), ("ftp://a", False)]
)
def test_addresses_are_known_by_their_beginning(text, is_one, tmp_path):
    assert is_address(text) is is_one
    assert not is_address(tmp_path / "https:" / "a.png")
