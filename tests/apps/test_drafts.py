"""Pre-label, correct, train: found objects become labels that a tool opens, and that a training reads."""

import json

import pytest
from PIL import Image

from maskrcnn.modalities.images.labels.formats import written_formats
from maskrcnn.modalities.open import open_dataset
from tiny import CLASSES, save_photo


@pytest.fixture
def photos(tmp_path):
    for k in range(2):
        save_photo(tmp_path / "photos" / f"{k}.png", seed=k)
    return tmp_path / "photos"


@pytest.fixture
def predict(maskrcnn, tiny_file, tmp_path):
    def run(*arguments):
        return maskrcnn("predict", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


@pytest.mark.parametrize("to", written_formats())
def test_drafts_are_what_was_found_and_can_be_trained_on(predict, photos, tmp_path, to):
    outcome = predict(photos, "--to", to, "--max-detections", 3)
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "out" / to
    assert outcome.out.splitlines()[-1].endswith(f"maskrcnn train {folder}")
    data = open_dataset(folder)
    assert data.class_names == CLASSES and data.has_masks and data.problems == []
    found = json.loads((tmp_path / "out" / "predictions.json").read_text())
    kept = sum(len(data[k]) for k in range(len(data)))
    assert len(data) == 2 and 0 < kept <= len(found)
    if to not in ("label-maps", "voc"):  # where objects overlap, these lose some
        assert kept == len(found)


def test_each_box_and_class_is_where_it_was_found(predict, photos, tmp_path):
    predict(photos, "--to", "coco")
    data = open_dataset(tmp_path / "out" / "coco")
    found = json.loads((tmp_path / "out" / "predictions.json").read_text())
    for k in range(2):
        record = data[k]
        own = [entry for entry in found if entry["file_name"].endswith(f"{k}.png")]
        assert [CLASSES[label - 1] for label in record.labels] == [entry["category"] for entry in own]


def test_corrected_drafts_are_never_replaced(predict, refused, tiny_file, photos, tmp_path):
    predict(photos, "--to", "labelme")
    (tmp_path / "out" / "labelme" / "0.json").write_text("corrected")
    asked = ("predict", photos, "--to", "labelme", "--model", tiny_file, "--out", tmp_path / "out")
    for flags in ((), ("--overwrite",), ("--skip-done",)):
        assert "perhaps corrected ones" in refused(*asked, *flags)
    assert (tmp_path / "out" / "labelme" / "0.json").read_text() == "corrected"


def test_a_tool_that_is_not_known_is_refused(refused, photos, tiny_file, tmp_path):
    asked = ("predict", photos, "--to", "paint", "--model", tiny_file, "--out", tmp_path / "out")
    assert "--to is one of" in refused(*asked)


def test_voc_is_written_by_convert_with_its_colours(maskrcnn, predict, photos, tmp_path):
    predict(photos, "--to", "coco", "--max-detections", 3)
    outcome = maskrcnn("convert", tmp_path / "out" / "coco", tmp_path / "voc", "--to", "voc")
    assert outcome.code == 0, outcome.err
    with Image.open(tmp_path / "voc" / "SegmentationObject" / "0.png") as picture:
        assert picture.mode == "P" and picture.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]
    assert (tmp_path / "voc" / "Annotations" / "0.xml").is_file()
    assert open_dataset(tmp_path / "voc").class_names == CLASSES
