"""``maskrcnn synthetic people`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_slips_are_said(refused, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    out = tmp_path / "out"
    assert "holds something already" in refused("synthetic", "people", tmp_path / "full")
    assert "--count must be at least 1" in refused("synthetic", "people", out, "--count", 0)
    assert "--size must lie between 64 and 2048" in refused("synthetic", "people", out, "--size", 9)
    assert "is no folder of photos" in refused("synthetic", "people", out, "--photos", tmp_path / "none")
    assert "--kinds" in refused("synthetic", "people", out, "--kinds", "blobs")
    assert not out.exists()


def test_help_is_that_of_people(maskrcnn):
    outcome = maskrcnn("synthetic", "people", "--help")
    assert outcome.code == 0 and "--photos FOLDER" in outcome.out and "maskrcnn synthetic people OUT" in outcome.out


def test_pictures_over_photos_of_a_folder(maskrcnn, tmp_path):
    pytest.importorskip("anny")
    if not any((Path.home() / ".cache" / "anny").glob("*/build_model_data_*")):
        pytest.skip("anny has not been started yet, which takes minutes")
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((90, 120, 3), [250, 0, 250], np.uint8)).save(tmp_path / "photos" / "pink.png")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    outcome = maskrcnn(
        "synthetic", "people", tmp_path / "out", "--count", 3, "--size", 96, "--photos", tmp_path / "photos"
    )
    assert outcome.code == 0 and outcome.out.startswith(f"{tmp_path / 'out'} now holds 3 pictures of "), outcome
    labels = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [one["file_name"] for one in labels["images"]] == [f"synthetic_{k:06d}.jpg" for k in (1, 2, 3)]
    for one in labels["images"]:
        picture = Image.open(tmp_path / "out" / "images" / one["file_name"])
        iuv = Image.open(tmp_path / "out" / "iuv" / one["file_name"].replace(".jpg", ".png"))
        assert picture.size == iuv.size == (96, 96) and iuv.mode == "RGB"
        assert np.asarray(iuv)[..., 0].max() <= 24
    found = maskrcnn("doctor", tmp_path / "out")
    assert "Traceback" not in found.out + found.err
