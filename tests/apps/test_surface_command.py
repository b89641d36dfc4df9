"""``maskrcnn predict --surface`` as a user runs it."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.config import PoolConfig, SurfaceHeadConfig
from surfaces_made import FOUR
from tiny import save_photo, save_tiny_model

HEAD = SurfaceHeadConfig(FOUR, PoolConfig(4), channels=4, convs=1)


@pytest.fixture
def photo(tmp_path):
    return save_photo(tmp_path / "photos" / "street.png")


@pytest.fixture
def model(tmp_path):
    return save_tiny_model(tmp_path / "surface.safetensors", surface_head=HEAD)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def entries(folder):
    return json.loads((folder / "predictions.json").read_text())


def test_parts_u_and_v_are_written_with_the_name_of_the_surface(maskrcnn, photo, model, tmp_path):
    out = tmp_path / "out"
    outcome = maskrcnn("predict", photo, "--surface", "--model", model, "--out", out)
    assert outcome.code == 0
    names = ["predictions.json", "street.iuv.png", "street.png", "street.surface.png", "summary.csv"]
    assert files(out) == names
    with Image.open(out / "street.iuv.png") as picture:
        assert picture.size == (64, 48) and picture.text["surface"] == "four"
        whole = np.asarray(picture)
    assert entries(out)
    for entry in entries(out):
        own = entry["surface"]
        x, y, width, height = own["box"]
        with Image.open(io.BytesIO(base64.b64decode(own["iuv_png"]))) as picture:
            values = np.asarray(picture)
        assert own["surface"] == "four" and values.shape == (height, width, 3)
        assert own["parts"] == sorted(set(np.unique(values[..., 0]).tolist()) - {0})
    best = entries(out)[0]["surface"]
    x, y, width, height = best["box"]
    with Image.open(io.BytesIO(base64.b64decode(best["iuv_png"]))) as picture:
        values = np.asarray(picture)
    here = values[..., 0] > 0
    assert np.array_equal(whole[y : y + height, x : x + width][here], values[here])


def test_without_the_flag_nobody_looks(maskrcnn, photo, model, tmp_path):
    out = tmp_path / "out"
    assert maskrcnn("predict", photo, "--model", model, "--out", out).code == 0
    assert files(out) == ["predictions.json", "street.png", "summary.csv"]
    assert all("surface" not in entry for entry in entries(out))


def test_a_texture_is_laid_on(maskrcnn, photo, model, tmp_path):
    shirt = tmp_path / "shirt.png"
    Image.new("RGB", (20, 120), (250, 0, 250)).save(shirt)
    runs = {"plain": (), "shirt": ("--texture", shirt)}
    for name, more in runs.items():
        assert maskrcnn("predict", photo, "--surface", *more, "--model", model, "--out", tmp_path / name).code == 0
    pictures = [np.asarray(Image.open(tmp_path / name / "street.surface.png")) for name in runs]
    parts = np.asarray(Image.open(tmp_path / "shirt" / "street.iuv.png"))[..., 0]
    assert parts.any()
    assert (pictures[1][parts > 0] == (250, 0, 250)).all()
    assert np.array_equal(pictures[0][parts == 0], pictures[1][parts == 0])


@pytest.mark.parametrize(
    ("size", "says"),
    [((100, 100), "100 x 100 pixels; a texture for four has square tiles, 1 across and 6 down"), (None, "no texture")],
)
def test_a_texture_of_the_wrong_size_is_one_sentence(refused, photo, model, tmp_path, size, says):
    shirt = tmp_path / "shirt.png"
    if size:
        Image.new("RGB", size).save(shirt)
    more = ("--surface", "--texture", shirt, "--model", model, "--out", tmp_path / "out")
    assert says in refused("predict", photo, *more)


def test_a_model_without_the_head_is_one_sentence(refused, photo, tiny_file, tmp_path):
    sentence = refused("predict", photo, "--surface", "--model", tiny_file, "--out", tmp_path / "out")
    assert "has no surface head" in sentence


def test_a_texture_alone_is_one_sentence(refused, photo, model, tmp_path):
    sentence = refused("predict", photo, "--texture", "x.png", "--model", model, "--out", tmp_path / "out")
    assert "add --surface" in sentence
