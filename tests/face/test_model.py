"""What is given to a model in three lines, and what is said where that is nothing to look at."""

import http.server
import threading
import types

import numpy as np
import pytest
import torch
from PIL import Image

import maskrcnn
from face.kinds import model_and_file
from maskrcnn import DataError, Predictor, UsageError, load, read_signal
from tiny import noise, save_photo, save_tiny_model


@pytest.fixture(scope="module", params=[1, 2, 3])
def both(request, tmp_path_factory):
    """A model by its file, and a file that it looks at, for D = 1, 2, 3."""
    pytest.importorskip("nibabel") if request.param == 3 else None
    return model_and_file(tmp_path_factory.mktemp(f"d{request.param}"), request.param)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    return save_photo(tmp_path_factory.mktemp("photo") / "photo.png")


def same(found, other):
    return np.array_equal(found.boxes, other.boxes) and np.array_equal(found.scores, other.scores)


def test_a_path_gives_what_the_predictor_gives(both):
    path, file = both
    found = load(path)(str(file))
    samples, spacing = found.file.samples, found.file.spacing
    expected = Predictor.load(path)(samples, spacing)
    assert len(found) == len(expected) > 0
    assert np.array_equal(found.boxes, expected.boxes.numpy()) and found.source == str(file)


def test_a_folder_is_an_iterator_and_a_list_is_a_list(both, tmp_path):
    path, file = both
    (tmp_path / "inside").mkdir()
    for name in ("a", "b"):
        (tmp_path / "inside" / f"{name}{file.suffix}").write_bytes(file.read_bytes())
    model = load(path)
    one, many = model(file), model(tmp_path)
    assert isinstance(many, types.GeneratorType)
    named = list(many)
    assert [found.source for found in named] == [str(tmp_path / "inside" / f"{k}{file.suffix}") for k in "ab"]
    assert all(same(found, one) for found in named)
    listed = model([file, file])
    assert isinstance(listed, list) and all(same(found, one) for found in listed)


@pytest.mark.parametrize(
    "take",
    [
        Image.fromarray,
        lambda pixels: pixels,
        lambda pixels: pixels.transpose(2, 0, 1),
        lambda pixels: pixels / 255,
        lambda pixels: (pixels / 255).astype(np.float32),
        lambda pixels: torch.from_numpy(pixels.copy()),
        lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1) / 255,
        lambda pixels: np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]),
    ],
)
def test_a_picture_in_memory_is_the_picture_in_the_file(model, photo, take):
    pixels = np.asarray(Image.open(photo))
    assert same(model(take(pixels)), model(photo))


def test_recordings_and_scans_in_memory(both):
    path, file = both
    model = load(path)
    found = model(file)
    if len(found.shape) == 1:
        signal = read_signal(file)
        assert same(model(signal), found) and same(model(signal.samples[0].numpy(), spacing=(1 / signal.rate,)), found)
    elif len(found.shape) == 3:
        volume = maskrcnn.read_volume(file)
        assert same(model(volume), found)
        assert same(model(volume.samples[0], spacing=volume.spacing), found)


def test_options_of_one_call_and_of_all(model, photo):
    every = model(photo)
    best = float(every.scores.max())
    assert len(model(photo, score=best - 1e-6)) < len(every)
    bricks = load(model.name, classes="brick", score=0.0)(photo)
    assert set(bricks.names) == {"brick"} < set(model(photo, score=0.0).names)
    assert same(model(photo), every)  # nothing stays of a call


def test_a_pattern_means_its_files(model, tmp_path):
    for name in ("a.png", "b.png", "c.jpg"):
        save_photo(tmp_path / name)
    (tmp_path / "a.png.txt").write_text("no picture")
    assert [found.source for found in model(str(tmp_path / "*.png*"))] == [str(tmp_path / f"{k}.png") for k in "ab"]
    with pytest.raises(DataError, match=r"There are no images in .*\*.gif"):
        model(tmp_path / "*.gif")


def test_an_address_is_fetched(model, photo, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    root = str(photo.parent)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=root)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        found = model(f"{address}/photo.png")
        assert same(found, model(photo)) and found.source == f"{address}/photo.png"
        with pytest.raises(DataError, match="404, there is no such file"):
            model(f"{address}/gone.png")
        (photo.parent / "page.html").write_text("<p>no picture</p>")
        with pytest.raises(DataError, match=f"{address}/page.html is not an image"):
            model(f"{address}/page.html")
    finally:
        server.shutdown()
        server.server_close()


def test_what_fails_in_a_list_has_its_place_and_its_sentence(model, photo, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.warns(UserWarning, match="bad.png is not an image"):
        first, bad, last = model([photo, tmp_path / "bad.png", photo])
    assert same(first, last) and len(bad) == 0 and "bad.png is not an image" in bad.failure
    assert repr(bad) == f"failed: {bad.failure}"
    with pytest.raises(UsageError, match="nothing to show"):
        bad.draw()
    with pytest.warns(UserWarning, match="number 1 of the list: A model of images takes"):
        model([photo, 7])


@pytest.mark.parametrize("wrong", [7, None, {"a": 1}, object()])
def test_a_wrong_type_is_told_what_is_accepted(both, wrong):
    with pytest.raises(TypeError, match=r"takes (a|the) path.*, not \w+\.$"):
        load(both[0])(wrong)


@pytest.mark.parametrize(
    "wrong, said",
    [
        (np.zeros((4, 5, 3)) + 128.0, "has the range 0..1, and this one 128..128"),
        (np.full((4, 5, 3), np.nan), "no finite numbers"),
        (np.zeros((2, 4, 5, 3), np.uint8), "several images: give them as a list"),
        (np.zeros((5, 6, 7), np.uint8), "of 1, 3 or 4 channels, not of"),
        (np.zeros((0, 5, 3), np.uint8), "has no pixels"),
        (np.zeros((4, 5, 3), np.int64), "not of int64"),
    ],
)
def test_an_array_that_is_no_picture_is_told_why(model, wrong, said):
    with pytest.raises((TypeError, ValueError), match=said):
        model(wrong)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 2, 2)), torch.zeros(2, 2, 2, 2, 2)])
def test_an_array_of_other_dimensions_is_no_recording_and_no_scan(both, wrong):
    with pytest.raises((TypeError, ValueError, DataError)):
        load(both[0])(wrong, spacing=(1.0,))


def test_grey_of_16_bits_has_its_own_range_as_in_files(model, tmp_path):
    deep = (noise()[..., 0].astype(np.uint16) * 16) + 100
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert same(model(deep), model(tmp_path / "deep.png"))


@pytest.mark.parametrize("option, meant", [("conf", "score"), ("imgsz", "image_size"), ("scor", "score")])
def test_an_option_of_another_name_is_answered_with_the_right_one(model, photo, option, meant):
    with pytest.raises(UsageError, match=f"There is no option {option}: did you mean {meant}?"):
        model(photo, **{option: 1})
    with pytest.raises(UsageError, match="cats"):
        load("cats")


def test_a_model_says_what_it_finds(model, both):
    assert repr(model) == f"{model.name}: finds disc, brick in images"
    assert repr(load(both[0])).endswith((" in images", " in recordings", " in scans"))
    assert repr(load("everyday")).startswith("everyday: finds person, bicycle, car, motorcycle, airplane and 75 more")


def test_a_missing_file_is_one_sentence(model):
    with pytest.raises(DataError, match="gone.jpg does not exist"):
        model("gone.jpg")
