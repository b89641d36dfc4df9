"""``maskrcnn predict --surface`` as a user runs it."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.config import PoolConfig, SurfaceHeadConfig
from maskrcnn.surfaces.known import ANNY_24
from surfaces_made import FOUR
from tiny import save_photo, save_tiny_model, write_coco

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


def write_points(folder, surface):
    """The data set of ``write_coco`` with points on every rectangle."""
    path = write_coco(folder)
    content = json.loads(path.read_text())
    points = {"dp_x": [64, 128], "dp_y": [64, 200], "dp_I": [1, 2], "dp_U": [0.25, 0.75], "dp_V": [0.25, 0.75]}
    for annotation in content["annotations"]:
        annotation |= points
    path.write_text(json.dumps({"info": {"surface": surface}, **content}))
    return path


def test_train_and_evaluate_on_points(maskrcnn, tmp_path):
    pytest.importorskip("scipy")
    head = SurfaceHeadConfig(ANNY_24, PoolConfig(4), channels=4, convs=1)
    start = save_tiny_model(tmp_path / "body.safetensors", surface_head=head)
    data = write_points(tmp_path / "data", "anny-24")
    few = ("--epochs", 1, "--batch", 2, "--workers", 0)
    outcome = maskrcnn("train", data, "--val", data, "--out", tmp_path / "run", "--model", start, *few)
    assert outcome.code == 0
    taught = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert all(taught[f"loss_surface_{name}"] > 0 for name in ("coarse", "part", "u", "v"))
    outcome = maskrcnn("evaluate", data, "--model", tmp_path / "run" / "best.safetensors", "--out", tmp_path / "judged")
    assert outcome.code == 0 and "gpsm" in outcome.out
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert 0 <= metrics["gps/AP"] <= 1 and 0 <= metrics["gpsm/AP50"] <= 1


def test_a_surface_without_a_mesh_is_said_and_the_rest_measured(maskrcnn, model, tmp_path, monkeypatch):
    monkeypatch.setenv("MASKRCNN_CACHE", str(tmp_path / "kept"))
    for surface, words in (("four", "four.npz into"), ("smpl-24", "labels are of smpl-24, and the model knows four")):
        data = write_points(tmp_path / surface, surface)
        outcome = maskrcnn("evaluate", data, "--model", model, "--out", tmp_path / f"judged {surface}")
        assert outcome.code == 0 and "GPS is not measured" in outcome.err and words in outcome.err
        metrics = json.loads((tmp_path / f"judged {surface}" / "metrics.json").read_text())
        assert metrics["box/AP"] is not None and "gps/AP" not in metrics
