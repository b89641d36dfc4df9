"""predict --to qupath and imagej: a file a picture that these programs open."""

import json
import sys

import numpy as np
import pytest

from maskrcnn import load
from tiny import save_photo


@pytest.fixture
def run(maskrcnn, tiny_file, tmp_path):
    save_photo(tmp_path / "photos" / "a.png")
    save_photo(tmp_path / "photos" / "inside" / "a.png", seed=1)

    def predict(to, *arguments):
        return maskrcnn(
            "predict", tmp_path / "photos", "--model", tiny_file, "--out", tmp_path / "out", "--to", to, *arguments
        )

    return predict


def test_qupath_gets_what_found_gives_in_python(run, tiny_file, tmp_path):
    done = run("qupath")
    assert done.code == 0 and f"Files for qupath are in {tmp_path / 'out' / 'qupath'}." in done.err
    for name, photo in (("a", "a.png"), ("a-2", "inside/a.png")):
        written = json.loads((tmp_path / "out" / "qupath" / f"{name}.geojson").read_text())
        expected = load(tiny_file)(tmp_path / "photos" / photo).to_geojson()
        assert written == json.loads(json.dumps(expected)) and len(written["features"]) > 0


def test_imagej_gets_a_region_an_object(run, tiny_file, tmp_path):
    roifile = pytest.importorskip("roifile", reason="roifile is not installed: pip install roifile")
    assert run("imagej").code == 0
    rois = roifile.roiread(tmp_path / "out" / "imagej" / "a.zip")
    expected = load(tiny_file)(tmp_path / "photos" / "a.png").to_imagej()
    assert [roi.name for roi in rois] == [roi.name for roi in expected]
    assert all(np.array_equal(a.coordinates(), b.coordinates()) for a, b in zip(rois, expected))


def test_nothing_found_is_an_empty_collection(run, tmp_path):
    assert run("qupath", "--score", 1).code == 0
    assert json.loads((tmp_path / "out" / "qupath" / "a.geojson").read_text())["features"] == []


def test_slips_are_answered_first(run, monkeypatch):
    done = run("paper")
    assert done.code == 2 and "qupath, imagej, mot, coco-video, not paper." in done.err
    monkeypatch.setitem(sys.modules, "roifile", None)
    done = run("imagej")
    assert done.code == 2 and "roifile must be installed: pip install 'maskrcnn[imagej]'." in done.err
