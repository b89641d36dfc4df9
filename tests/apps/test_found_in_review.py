"""Slips that a reviewer found by using the command line, each kept from coming back."""

import dataclasses
import json
import stat

import pytest

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.data.transforms.samples import AugmentConfig
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.fit import FitConfig, fit
from tiny import save_photo, save_tiny_model, tiny_info, tiny_model, write_coco

FEW = ("--epochs", 1, "--batch", 2, "--workers", 0)


def test_results_never_replace_the_photos_of_a_folder(refused, tiny_file, tmp_path):
    other, photo = save_photo(tmp_path / "a.png"), save_photo(tmp_path / "photos" / "photo.png")
    before = photo.read_bytes()
    sentence = refused("predict", other, photo.parent, "--model", tiny_file, "--out", photo.parent)
    assert "name another folder" in sentence
    assert photo.read_bytes() == before


def test_a_photo_named_like_a_label_map_gets_a_number(maskrcnn, tiny_file, tmp_path):
    photos = [save_photo(tmp_path / "in" / name) for name in ("x.png", "x.instances.png")]
    outcome = maskrcnn("predict", *photos, "--model", tiny_file, "--out", tmp_path / "out", "--label-maps")
    assert outcome.code == 0
    names = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert {"x.png", "x.instances.png", "x.instances-2.png", "x.instances-2.classes.png"} <= names
    assert len(names) == 6


def test_evaluation_leaves_the_predictor_as_it_was(tiny_file, tmp_path):
    predictor = Predictor.load(tiny_file)
    before = predictor.model.config
    evaluate(predictor, open_dataset(write_coco(tmp_path / "data")))
    assert predictor.model.config == before


def test_an_unreadable_label_map_does_not_stop_the_count(tmp_path):
    for folder in ("images", "labels"):
        save_photo(tmp_path / folder / "a.png")
    (tmp_path / "labels" / "a.png").write_text("no label map")
    assert open_dataset(tmp_path).max_objects() == 0


@pytest.mark.parametrize("field, value", [("keypoints", 17), ("supercategory", ["a"])])
def test_a_category_of_odd_types_is_read(tmp_path, field, value):
    path = write_coco(tmp_path / "data")
    content = json.loads(path.read_text())
    content["categories"][0][field] = value
    path.write_text(json.dumps(content))
    assert len(open_dataset(path).class_names) == len(content["categories"])


def test_a_model_file_can_be_read_by_whoever_may_read_new_files(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    assert stat.S_IMODE(model.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_model_of_boxes_gets_a_mask_head_for_data_with_masks(maskrcnn, tmp_path):
    boxes = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    data = write_coco(tmp_path / "data")
    outcome = maskrcnn("train", data, "--model", boxes, "--out", tmp_path / "out", *FEW)
    assert outcome.code == 0 and "it gets a new one" in outcome.err
    assert read_info(tmp_path / "out" / "best.safetensors").config.mask_head is not None


def test_training_on_nothing_is_refused(refused, tiny_file, tmp_path):
    path = write_coco(tmp_path / "data")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"annotations": []}))
    assert "nothing to learn" in refused("train", path, "--model", tiny_file, "--out", tmp_path / "out")


def test_a_resume_with_other_data_is_refused(maskrcnn, refused, tiny_file, tmp_path):
    path = write_coco(tmp_path / "data")
    assert maskrcnn("train", path, "--model", tiny_file, "--out", tmp_path / "out", *FEW).code == 0
    content = json.loads(path.read_text())
    fewer = {name: content[name][:-1] for name in ("images", "annotations")}
    path.write_text(json.dumps(content | fewer))
    assert "same data" in refused("train", path, "--out", tmp_path / "out", "--resume")


def test_going_on_without_validation_keeps_the_validated_best(tmp_path):
    data, out, model = open_dataset(write_coco(tmp_path / "data")), tmp_path / "out", tiny_model()
    augment, config = AugmentConfig(size=(64, 64)), FitConfig(epochs=1, batch_size=2, workers=0)
    best = fit(model, tiny_info(model), data, out, data, config, augment)
    validated = best.read_bytes()
    fit(model, tiny_info(model), data, out, None, dataclasses.replace(config, epochs=2), augment, resume=True)
    assert best.read_bytes() == validated
