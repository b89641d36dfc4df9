"""``maskrcnn evaluate`` as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from tiny import CLASSES, save_photo, save_tiny_model, write_coco

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR")


@pytest.fixture
def data(tmp_path):
    return write_coco(tmp_path / "data")


@pytest.fixture
def evaluate(maskrcnn, tiny_file, tmp_path):
    def run(*arguments, model=tiny_file):
        outcome = maskrcnn("evaluate", *arguments, "--model", model, "--out", tmp_path / "out", "--bootstrap", 20)
        path = tmp_path / "out" / "metrics.json"
        return outcome, json.loads(path.read_text()) if path.is_file() else {}

    return run


def own_predictions(maskrcnn, model, data, folder):
    """A data set whose labels are what the model itself finds in the images of ``data``."""
    images = data.parent / "images"
    assert maskrcnn("predict", images, "--model", model, "--score", 0.05, "--out", folder).code == 0
    found = json.loads((folder / "predictions.json").read_text())
    labels = json.loads(data.read_text())
    annotations = [
        {key: f[key] for key in ("image_id", "category_id", "bbox", "segmentation") if key in f} | {"id": k}
        for k, f in enumerate(found, start=1)
    ]
    path = data.with_name("own.json")
    path.write_text(json.dumps(labels | {"annotations": annotations}))
    return path, len(annotations)


def test_the_metrics_are_written_under_their_names(evaluate, data, tiny_file):
    outcome, metrics = evaluate(data)
    assert outcome.code == 0
    for name in [f"{kind}/{name}" for kind in ("box", "mask") for name in NAMES]:
        assert metrics[name] is None or 0 <= metrics[name] <= 1
    assert (metrics["images"], metrics["objects"], metrics["max_detections"]) == (4, 4, 20)
    assert (metrics["model"], metrics["data"]) == (str(tiny_file), str(data))
    assert set(metrics["intervals"]) == {"box/AP", "box/AP50", "mask/AP", "mask/AP50"}


def test_a_size_of_which_there_is_no_object_has_no_value(evaluate, data):
    assert evaluate(data)[1]["box/APl"] is None


def test_a_table_is_printed(evaluate, data, tmp_path):
    lines = evaluate(data)[0].out.splitlines()
    assert "4 objects in 4 images" in lines[0]
    first_words = [line.replace("│", " ").split()[:1] for line in lines]
    assert all([name] in first_words for name in (*NAMES, *CLASSES))
    assert lines[-2] == f"The same with more digits: {tmp_path / 'out' / 'metrics.json'}"


def test_class_names_that_look_like_markup_are_printed_as_they_are(evaluate, tmp_path):
    names = ("[/b]", "a [red] :cat:")
    model = save_tiny_model(tmp_path / "odd.safetensors", class_names=names)
    outcome, _ = evaluate(write_coco(tmp_path / "data", classes=names), model=model)
    assert all(f"│ {name} " in outcome.out for name in names)


def test_nothing_is_said_on_standard_error_if_all_is_well(evaluate, data):
    assert evaluate(data)[0].err == ""


def test_a_model_is_perfect_on_its_own_predictions(maskrcnn, evaluate, tiny_file, data, tmp_path):
    own, count = own_predictions(maskrcnn, tiny_file, data, tmp_path / "found")
    _, metrics = evaluate(own)
    assert count > 8 and metrics["objects"] == count
    for name in ("box/AP", "box/AP50", "box/AR", "mask/AP", "mask/AP50", "mask/AR"):
        assert metrics[name] == pytest.approx(1.0, abs=0.005)


def test_a_model_without_masks_is_measured_by_its_boxes(maskrcnn, evaluate, data, tmp_path):
    model = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    own, _ = own_predictions(maskrcnn, model, data, tmp_path / "found")
    _, metrics = evaluate(own, model=model)
    assert metrics["box/AP"] == pytest.approx(1.0, abs=0.005)
    assert "mask/AP" not in metrics


def test_fewer_detections_cannot_find_as_much(maskrcnn, evaluate, tiny_file, data, tmp_path):
    own, _ = own_predictions(maskrcnn, tiny_file, data, tmp_path / "found")
    _, metrics = evaluate(own, "--max-detections", 2)
    assert metrics["max_detections"] == 2
    assert 0 < metrics["box/AR"] < 0.9


def test_classes_are_matched_by_name_and_not_by_number(maskrcnn, evaluate, tiny_file, data, tmp_path):
    own, _ = own_predictions(maskrcnn, tiny_file, data, tmp_path / "found")
    content = json.loads(own.read_text())
    new_ids = {1: 7, 2: 3}
    for entry in content["annotations"]:
        entry["category_id"] = new_ids[entry["category_id"]]
    for entry in content["categories"]:
        entry["id"] = new_ids[entry["id"]]
    own.write_text(json.dumps(content))
    assert evaluate(own)[1]["box/AP"] == pytest.approx(1.0, abs=0.005)


def test_a_folder_of_label_maps_is_evaluated_as_objects(evaluate, tmp_path):
    for k in range(2):
        save_photo(tmp_path / "data" / "images" / f"{k}.png", seed=k)
        label_map = np.zeros((48, 64), np.uint8)
        label_map[10:30, 10:30], label_map[35:45, 40:60] = 1, 2
        (tmp_path / "data" / "labels").mkdir(exist_ok=True)
        Image.fromarray(label_map).save(tmp_path / "data" / "labels" / f"{k}.png")
    model = save_tiny_model(tmp_path / "objects.safetensors", class_names=("object",))
    outcome, metrics = evaluate(tmp_path / "data", model=model)
    assert outcome.code == 0
    assert (metrics["images"], metrics["objects"]) == (2, 4)


def test_batches_change_nothing(maskrcnn, evaluate, tiny_file, data, tmp_path):
    own, _ = own_predictions(maskrcnn, tiny_file, data, tmp_path / "found")
    assert evaluate(own, "--batch", 1)[1]["box/AP"] == pytest.approx(evaluate(own, "--batch", 3)[1]["box/AP"], abs=1e-3)


def test_no_class_in_common_is_refused(refused, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", classes=("aardvark",))
    sentence = refused("evaluate", data, "--model", tiny_file, "--out", tmp_path / "out")
    assert "aardvark" in sentence and "disc, brick" in sentence


@pytest.mark.parametrize(
    ("flag", "value"), [("--batch", 0), ("--bootstrap", -1), ("--max-detections", 0), ("--image-size", 1)]
)
def test_a_flag_out_of_range_is_refused_and_named(refused, data, tiny_file, tmp_path, flag, value):
    sentence = refused("evaluate", data, "--model", tiny_file, "--out", tmp_path / "out", flag, value)
    assert flag in sentence and str(value) in sentence
