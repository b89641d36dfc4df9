"""``maskrcnn predict --explain`` as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.config import PreprocessConfig
from tiny import save_photo, save_tiny_model


@pytest.fixture
def predict(maskrcnn, tiny_file, tmp_path):
    def run(*arguments, model=tiny_file):
        return maskrcnn("predict", *arguments, "--model", model, "--out", tmp_path / "out")

    return run


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_picture_of_the_evidence_lies_beside_the_others(predict, tmp_path):
    photo = save_photo(tmp_path / "photos" / "street.png")
    plain = predict(photo)
    before = (tmp_path / "out" / "predictions.json").read_text()
    outcome = predict(photo, "--explain", "--explain-most", 2)
    assert (outcome.code, outcome.err) == (0, "") and outcome.out == plain.out
    assert files(tmp_path / "out") == ["predictions.json", "street.png", "street_evidence.png", "summary.csv"]
    assert (tmp_path / "out" / "predictions.json").read_text() == before
    with Image.open(tmp_path / "out" / "street_evidence.png") as sheet:
        assert 3 * 360 < sheet.width < 4 * 360
        assert np.ptp(np.asarray(sheet)) > 100


@pytest.mark.parametrize("flags", [("--tile", 40), ("--flip",), ("--image-size", 96), ("--classes", "disc")])
def test_however_the_image_is_looked_at(predict, tmp_path, flags):
    outcome = predict(save_photo(tmp_path / "photos" / "street.png"), "--explain", "--explain-most", 1, *flags)
    assert (outcome.code, outcome.err) == (0, "")
    assert "street_evidence.png" in files(tmp_path / "out")


def test_grey_models_and_grey_photos(predict, tmp_path):
    preprocess = PreprocessConfig((127.5,), (127.5,), min_size=64, max_size=64, stretch=True)
    grey = save_tiny_model(tmp_path / "grey.safetensors", in_channels=1, preprocess=preprocess)
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 4000, (48, 64)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "photos" / "deep.png")
    outcome = predict(tmp_path / "photos", "--explain", "--explain-most", 1, model=grey)
    assert (outcome.code, outcome.err) == (0, "")
    assert "deep_evidence.png" in files(tmp_path / "out")


def test_nothing_found_is_said_in_the_picture(predict, tmp_path):
    outcome = predict(save_photo(tmp_path / "photos" / "street.png"), "--explain", "--score", 1)
    assert outcome.code == 0 and "0 objects" in outcome.out
    assert "street_evidence.png" in files(tmp_path / "out")


def test_a_photo_of_that_name_is_not_written_over(predict, tmp_path):
    save_photo(tmp_path / "photos" / "street.png")
    save_photo(tmp_path / "photos" / "street_evidence.png", seed=1)
    assert predict(tmp_path / "photos", "--explain", "--explain-most", 1).code == 0
    written = [name for name in files(tmp_path / "out") if name.endswith(".png")]
    assert written == [
        "street.png",
        "street_evidence-2.png",
        "street_evidence-2_evidence.png",
        "street_evidence.png",
    ]


def test_without_the_flag_such_a_name_is_as_good_as_any(predict, tmp_path):
    save_photo(tmp_path / "photos" / "street.png")
    save_photo(tmp_path / "photos" / "street_evidence.png", seed=1)
    predict(tmp_path / "photos")
    ids = {found["image_id"] for found in json.loads((tmp_path / "out" / "predictions.json").read_text())}
    assert ids == {"street", "street_evidence"}


def test_an_image_that_cannot_be_explained_is_named_and_keeps_its_objects(predict, tmp_path, monkeypatch):
    photo = save_photo(tmp_path / "photos" / "street.png")

    def fails(*arguments):
        raise RuntimeError("not enough memory: you tried to allocate 9 GB\nand more")

    monkeypatch.setattr("maskrcnn.modalities.images.predict.draw_evidence", fails)
    outcome = predict(photo, "--explain")
    assert outcome.code == 1
    assert f"{photo}: its objects were found but not explained" in outcome.err and "--image-size" in outcome.err
    assert files(tmp_path / "out") == ["predictions.json", "street.png", "summary.csv"]


def test_explaining_no_object_is_refused(refused, tiny_file, tmp_path):
    photo = save_photo(tmp_path / "photos" / "street.png")
    sentence = refused("predict", photo, "--model", tiny_file, "--out", tmp_path / "out", "--explain-most", 0)
    assert "--explain-most must be at least 1" in sentence
