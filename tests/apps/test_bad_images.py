"""Whatever lies in a folder of photos: it works, or it is named in one sentence and the rest is done."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from maskrcnn.apps import cli
from maskrcnn.apps.cli import console as speech
from tiny import noise, save_photo

SHAPES = {  # height, width as a viewer shows the image
    "one_pixel.png": (1, 1),
    "tall.png": (4000, 3),
    "grey16.png": (48, 64),
    "palette.png": (48, 64),
    "cmyk.jpg": (48, 64),
    "rgba.png": (48, 64),
    "sideways.jpg": (64, 48),
    "good.png": (48, 64),
}
REASONS = {
    "truncated.jpg": "is cut off before its end",
    "text.png": "is not an image",
    "empty.png": "is empty (0 bytes)",
}


def write_images(folder):
    save_photo(folder / "good.png")
    save_photo(folder / "one_pixel.png", 1, 1)
    save_photo(folder / "tall.png", 4000, 3)
    photo = Image.fromarray(noise())
    Image.fromarray(noise(channels=1)[..., 0].astype(np.uint16) * 16).save(folder / "grey16.png")
    photo.quantize(16).save(folder / "palette.png")
    photo.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(noise(channels=4), "RGBA").save(folder / "rgba.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to be upright
    photo.save(folder / "sideways.jpg", exif=exif)
    photo.resize((400, 300)).save(folder / "truncated.jpg", quality=95)
    whole = (folder / "truncated.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("This is no image.\n")
    (folder / "empty.png").write_bytes(b"")


@pytest.fixture(scope="module")
def job(tiny_file, tmp_path_factory):
    """One run on a folder with all of them."""
    folder = tmp_path_factory.mktemp("bad")
    photos, out = folder / "photos", folder / "out"
    photos.mkdir()
    write_images(photos)
    printed = SimpleNamespace(out=[], err=[])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as exited:
        patch.setattr(
            "sys.argv",
            ["maskrcnn", "predict", str(photos), "--model", str(tiny_file), "--out", str(out), "--colour", "object"],
        )
        patch.setattr("builtins.print", lambda text, **options: printed.out.append(text))
        patch.setattr(speech, "say", printed.err.append)
        patch.setattr(cli.Predict, "score", 0.05)
        cli.main()
    return SimpleNamespace(code=exited.value.code, photos=photos, results=out, **vars(printed))


def predictions(job, name):
    found = json.loads((job.results / "predictions.json").read_text())
    return [one for one in found if Path(one["file_name"]).name == name]


def test_some_images_failed_and_the_exit_code_says_so(job):
    assert job.code == 1


@pytest.mark.parametrize("name", REASONS)
def test_an_image_that_cannot_be_read_is_named_once_with_the_reason(job, name):
    (sentence,) = [line for line in job.err if name in line]
    assert sentence.startswith(f"failed: {job.photos / name} {REASONS[name]}")
    assert sentence.endswith(".") and "\n" not in sentence


def test_nothing_else_is_said_to_have_failed(job):
    assert len(job.err) == len(REASONS)


@pytest.mark.parametrize("name", SHAPES)
def test_an_image_of_an_odd_kind_is_drawn_upright_in_its_own_proportions(job, name):
    height, width = SHAPES[name]
    with Image.open(job.results / f"{Path(name).stem}.png") as picture:
        scale = picture.width // width  # small images are enlarged
        assert (picture.height, picture.width) == (scale * height, scale * width)


@pytest.mark.parametrize("name", SHAPES)
def test_predictions_of_an_image_of_an_odd_kind_are_in_its_upright_frame(job, name):
    height, width = SHAPES[name]
    for found in predictions(job, name):
        assert found["segmentation"]["size"] == [height, width]
        x, y, w, h = found["bbox"]
        assert 0 <= x <= x + w <= width + 0.01 and 0 <= y <= y + h <= height + 0.01


def test_most_of_them_hold_something_to_check(job):
    assert sum(len(predictions(job, name)) > 0 for name in SHAPES) >= 7


def test_the_last_line_counts_what_was_done(job):
    assert f"objects in {len(SHAPES)} images; " in job.out[-1]


def test_a_missing_image_is_named_and_the_rest_is_done(maskrcnn, tiny_file, tmp_path):
    photo, missing = save_photo(tmp_path / "photos" / "good.png"), tmp_path / "photos" / "gone.png"
    outcome = maskrcnn("predict", missing, photo, "--model", tiny_file, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.err == f"failed: {missing} does not exist.\n"
    assert (tmp_path / "out" / "good.png").is_file()


def test_a_single_image_that_cannot_be_read_leaves_empty_results(maskrcnn, tiny_file, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    outcome = maskrcnn("predict", tmp_path / "text.png", "--model", tiny_file, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert json.loads((tmp_path / "out" / "predictions.json").read_text()) == []


def test_a_file_without_an_image_suffix_is_tried_if_it_is_named(maskrcnn, tiny_file, tmp_path):
    save_photo(tmp_path / "photo.png").rename(tmp_path / "photo.backup")
    assert maskrcnn("predict", tmp_path / "photo.backup", "--model", tiny_file, "--out", tmp_path / "out").code == 0


def test_names_that_look_like_markup_are_printed_as_they_are(maskrcnn, tiny_file, tmp_path):
    name = "[red]:cat:[bold] 100 % 'ü'.png"
    (tmp_path / name).write_text("no image")
    save_photo(tmp_path / f"good {name}")
    outcome = maskrcnn("predict", tmp_path, "--model", tiny_file, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert f"failed: {tmp_path / name} is not an image" in outcome.err
    assert f"{tmp_path / f'good {name}'}: " in outcome.out


@pytest.mark.skipif(os.name != "posix", reason="file names are text elsewhere")
def test_a_name_that_is_no_text_does_not_lose_the_job(maskrcnn, tiny_file, tmp_path):
    odd = os.fsdecode(bytes(save_photo(tmp_path / "photos" / "good.png").parent) + b"/caf\xe9.png")
    try:
        save_photo(Path(odd), seed=1)
    except OSError:
        pytest.skip("this file system refuses such names")
    outcome = maskrcnn("predict", tmp_path / "photos", "--model", tiny_file, "--out", tmp_path / "out")
    assert outcome.code == 0
    found = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert any(one["file_name"].endswith("good.png") for one in found)


def test_an_image_that_is_too_much_fails_alone(maskrcnn, tiny_file, tmp_path, monkeypatch):
    from maskrcnn.inference.predictor import Predictor

    predict = Predictor.predict

    def run_out_of_memory(self, images):
        if any(image.shape[1] > 100 for image in images):
            raise RuntimeError("not enough memory: you tried to allocate 9 bytes\nmore lines")
        return predict(self, images)

    monkeypatch.setattr(Predictor, "predict", run_out_of_memory)
    save_photo(tmp_path / "photos" / "small.png")
    huge = save_photo(tmp_path / "photos" / "huge.png", 101, 50)
    command = ("predict", tmp_path / "photos", "--model", tiny_file, "--out", tmp_path / "out", "--batch", 2)
    outcome = maskrcnn(*command)
    assert outcome.code == 1
    assert f"{huge}: the model failed on it (not enough memory" in outcome.err
    assert outcome.err.count("\n") == 1
    assert (tmp_path / "out" / "small.png").is_file() and not (tmp_path / "out" / "huge.png").exists()
