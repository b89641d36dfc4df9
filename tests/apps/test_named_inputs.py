"""What else than files and folders ``maskrcnn predict`` takes: patterns, lists, addresses, a pipe, and pages."""

import io
import json
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from maskrcnn.modalities.images.read.pages import list_pages, page_of
from maskrcnn.modalities.images.read.pictures import read_image
from tiny import noise, save_photo


@pytest.fixture
def predict(maskrcnn, tiny_file, tmp_path):
    def run(*arguments):
        return maskrcnn("predict", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


@pytest.fixture
def refuses(refused, tiny_file, tmp_path):
    def run(*arguments):
        return refused("predict", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


@pytest.fixture
def photos(tmp_path, monkeypatch):
    for k, name in enumerate(("a.png", "b.png", "deep/c.png")):
        save_photo(tmp_path / "photos" / name, seed=k)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


@pytest.fixture
def piped(monkeypatch):
    """``piped(b"...")``: what is on standard input."""

    def pipe(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return pipe


@pytest.fixture
def server(tmp_path):
    """The address of a server of the folder ``tmp_path``."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def searched(outcome):
    """The inputs that have a line, in order."""
    return [line.rpartition(": ")[0] for line in outcome.out.splitlines()[:-1]]


def file_names(tmp_path):
    return list(dict.fromkeys(e["file_name"] for e in json.loads((tmp_path / "out" / "predictions.json").read_text())))


def test_a_pattern_in_quotes_is_spread_out(predict, photos):
    assert searched(predict("photos/*.png")) == ["photos/a.png", "photos/b.png"]
    assert searched(predict("photos/**/*.png", "--overwrite")) == ["photos/a.png", "photos/b.png", "photos/deep/c.png"]
    (photos / "notes.txt").write_text("mine")
    outcome = predict("photos/*", "--overwrite")
    assert searched(outcome) == ["photos/a.png", "photos/b.png", "photos/deep/c.png"]
    assert "skipped: 1 .txt" in outcome.err and outcome.code == 0


def test_a_pattern_that_matches_nothing_is_named(predict, refuses, photos):
    assert refuses("photos/*.jpg") == "maskrcnn: No file matches photos/*.jpg."
    outcome = predict("photos/*.jpg", "photos/a.png")
    assert outcome.code == 1 and "failed: No file matches photos/*.jpg." in outcome.err


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(predict, photos):
    save_photo(photos / "x[1].png")
    assert searched(predict("photos/x[1].png")) == ["photos/x[1].png"]


def test_a_text_file_of_paths_is_followed(predict, photos, tmp_path):
    (photos / "list.txt").write_text("# mine\n\nphotos/a.png\nb.png\ngone.png\nphotos/deep/*.png\n")
    outcome = predict("photos/list.txt")
    assert searched(outcome) == ["photos/a.png", "photos/b.png", "photos/deep/c.png"]
    assert outcome.code == 1 and "failed: gone.png does not exist." in outcome.err


def test_a_folder_ends_with_what_was_skipped(predict, photos):
    for name in ("sound.mp3", "one.txt", "two.txt"):
        (photos / name).write_bytes(b"x")
    assert predict("photos").err == "skipped: 2 .txt, 1 .mp3.\n"


def test_a_picture_on_standard_input(predict, photos, piped, tmp_path):
    piped((photos / "a.png").read_bytes())
    assert searched(predict("-")) == ["stdin"]
    assert file_names(tmp_path) == ["stdin"] and (tmp_path / "out" / "stdin.png").is_file()


def test_a_list_on_standard_input(predict, photos, piped):
    piped(b"photos/a.png\nphotos/deep/c.png\n")
    assert searched(predict("-")) == ["photos/a.png", "photos/deep/c.png"]


@pytest.mark.parametrize("data, said", [(b"", "is empty"), (b"no such thing", "stdin is not an image")])
def test_what_is_no_picture_on_standard_input_is_named(predict, piped, data, said):
    piped(data)
    outcome = predict("-")
    assert outcome.code in (1, 2) and said in outcome.err and "are in" not in outcome.out


def test_a_photo_is_fetched(predict, photos, server, tmp_path):
    address = f"{server}/photos/a.png?size=large"
    outcome = predict(address)
    assert (outcome.code, outcome.err) == (0, "") and searched(outcome) == [address]
    assert file_names(tmp_path) == [address] and (tmp_path / "out" / "a.png").is_file()
    local = predict("photos/a.png", "--overwrite")
    assert local.out.splitlines()[0].split(": ")[1] == outcome.out.splitlines()[0].rpartition(": ")[2]
    again = predict("photos/a.png", address, "--skip-done")
    assert searched(again) == [address]


def test_what_cannot_be_fetched_is_named_and_the_rest_is_done(predict, refuses, photos, server):
    (photos / "text.png").write_text("no image")
    outcome = predict(f"{server}/photos/gone.png", f"{server}/photos/text.png", "photos/a.png")
    assert outcome.code == 1 and searched(outcome) == ["photos/a.png"]
    assert f"failed: {server}/photos/gone.png cannot be fetched: the server says 404" in outcome.err
    assert f"failed: {server}/photos/text.png is not an image" in outcome.err
    assert "404" in refuses(f"{server}/photos/gone.png")


def test_pages_of_a_tiff_are_pictures_to_a_model_of_pictures(predict, photos, tmp_path):
    pages = [Image.fromarray(noise(seed=k)) for k in range(3)]
    pages[0].save(photos / "stack.tif", save_all=True, append_images=pages[1:])
    outcome = predict("photos/stack.tif", "photos/a.png")
    assert outcome.code == 0, outcome.err
    assert searched(outcome) == [*(f"photos/stack.tif#{k}" for k in (1, 2, 3)), "photos/a.png"]
    assert all((tmp_path / "out" / f"stack_page{k}.png").is_file() for k in (1, 2, 3))
    for k in range(3):
        assert (read_image(photos / f"stack.tif#{k + 1}").permute(1, 2, 0).numpy() == noise(seed=k)).all()


def test_a_deep_page_keeps_its_own_values(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    deep = np.random.default_rng(0).integers(0, 2**16, (3, 20, 30, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    assert len(list_pages(tmp_path / "deep.tif")) == 3
    for k in range(3):
        read = read_image(tmp_path / f"deep.tif#{k + 1}").permute(1, 2, 0).numpy()
        assert np.abs(read - deep[k] * (255 / 65535)).max() < 0.01


def test_smaller_copies_of_a_page_are_no_pages(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(noise(64, 64), photometric="rgb")
        writer.write(noise(32, 32), photometric="rgb", subfiletype=1)
    assert list_pages(tmp_path / "pyramid.tif") == [tmp_path / "pyramid.tif"]


def test_pages_of_a_pdf_are_pictures(predict, photos, tmp_path):
    pytest.importorskip("pypdfium2")
    pages = [Image.fromarray(noise(96, 64, seed=k)) for k in range(2)]
    pages[0].save(photos / "paper.pdf", save_all=True, append_images=pages[1:], resolution=72)
    outcome = predict("photos/paper.pdf")
    assert outcome.code == 0, outcome.err
    assert searched(outcome) == ["photos/paper.pdf#1", "photos/paper.pdf#2"]
    assert read_image(photos / "paper.pdf#2").shape == (3, 200, 134)  # 150 pixels an inch
    assert predict("photos", "--overwrite").err == "skipped: 1 .pdf.\n"  # only where it is named
    assert predict("photos/*.pdf", "--overwrite").code == 0


def test_a_pdf_that_is_none_is_named(predict, photos):
    pytest.importorskip("pypdfium2")
    (photos / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    outcome = predict("photos/bad.pdf")
    assert outcome.code == 1 and "failed: photos/bad.pdf cannot be opened as a PDF" in outcome.err
    assert "are in" not in outcome.out


def test_without_the_extra_it_is_named(predict, photos, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    (photos / "paper.pdf").write_bytes(b"%PDF-1.4")
    assert "pip install 'maskrcnn[pdf]'" in predict("photos/paper.pdf").err


def test_a_number_sign_in_a_name_is_no_page(tmp_path):
    (tmp_path / "a.tif#1").write_bytes(b"x")
    assert page_of(tmp_path / "a.tif#1") == (tmp_path / "a.tif#1", 0)
    assert page_of(tmp_path / "b.tif#12") == (tmp_path / "b.tif", 12)


def test_a_film_that_was_broken_off_is_answered_with_a_sentence(predict, photos):
    pytest.importorskip("av")
    (photos / "film.mp4").write_bytes(b"\0\0\0 ftypisom" + bytes(32))
    outcome = predict("photos/film.mp4")
    assert outcome.code == 1 and "film.mp4 has no index" in outcome.err and "are in" not in outcome.out
