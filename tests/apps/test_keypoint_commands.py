"""Keypoints from the labels of a data set to the pictures of a prediction, as a user runs it all."""

from __future__ import annotations

import dataclasses
import json

import pytest

from maskrcnn.checkpoints.ours import load_checkpoint, read_info, save_checkpoint
from maskrcnn.config import KeypointHeadConfig, PoolConfig
from maskrcnn.modalities.open import open_dataset
from tiny import CLASSES, save_tiny_model, tiny_info, tiny_model, write_coco

NAMES = ["top", "left_end", "right_end"]
FEW = ("--epochs", 1, "--batch", 2, "--workers", 0)


def write_keypoints(folder, labelled=True, names=NAMES, visibility=2):
    """The data set of ``write_coco`` with points on the rectangles of class 1."""
    path = write_coco(folder)
    content = json.loads(path.read_text())
    content["categories"][0] |= {"keypoints": names, "skeleton": [[1, 2], [1, 3]]}
    for annotation in content["annotations"]:
        x, y, w, h = annotation["bbox"]
        points = [(x + w / 2, y + 2), (x + 2, y + h - 2), (x + w - 2, y + h - 2)][: len(names)]
        if labelled and annotation["category_id"] == 1:
            annotation["keypoints"] = [float(v) for px, py in points for v in (px, py, visibility)]
            annotation["num_keypoints"] = len(points)
    path.write_text(json.dumps(content))
    return path


def tiny_keypoints(num_keypoints=3):
    return KeypointHeadConfig(PoolConfig(4, aligned=True, canonical_size=64.0), 8, 1, num_keypoints)


def save_keypoint_model(path, names=NAMES):
    model = tiny_model(keypoint_head=tiny_keypoints(len(names)))
    info = dataclasses.replace(tiny_info(model), keypoint_names=tuple(names), skeleton=((0, 1), (0, 2)))
    save_checkpoint(path, model, info)
    return path


def test_train_evaluate_and_predict(maskrcnn, tiny_file, tmp_path):
    data = write_keypoints(tmp_path / "data")
    outcome = maskrcnn("train", data, "--val", data, "--out", tmp_path / "out", "--model", tiny_file, *FEW)
    assert outcome.code == 0
    assert "3 keypoints" in outcome.err
    model = tmp_path / "out" / "best.safetensors"
    info = read_info(model)
    assert (info.keypoint_names, info.skeleton) == (tuple(NAMES), ((0, 1), (0, 2)))
    assert info.config.keypoint_head.num_keypoints == 3
    assert "loss_keypoint" in (tmp_path / "out" / "log.jsonl").read_text()
    assert "keypoints/AP" in info.metrics

    outcome = maskrcnn("evaluate", data, "--model", model, "--out", tmp_path / "metrics", "--bootstrap", 20)
    metrics = json.loads((tmp_path / "metrics" / "metrics.json").read_text())
    assert outcome.code == 0
    assert "keypoints" in outcome.out
    for name in ("AP", "AP50", "AP75", "APm", "APl", "AR"):
        value = metrics[f"keypoints/{name}"]
        assert value is None or 0 <= value <= 1
    assert metrics["keypoints/AP"] is not None and "keypoints/AP" in metrics["intervals"]

    photos = data.parent / "images"
    assert maskrcnn("predict", photos, "--model", model, "--score", 0.01, "--out", tmp_path / "found").code == 0
    rows = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert rows
    for row in rows:
        x, y, w, h = row["bbox"]
        points = [row["keypoints"][k : k + 3] for k in (0, 3, 6)]
        assert len(row["keypoints"]) == 9
        # half a pixel off, and a hundredth for rounding
        assert all(-0.52 <= px - x <= w - 0.48 and -0.52 <= py - y <= h - 0.48 for px, py, _ in points)
        assert all(0 < score <= 1 for *_, score in points)


@pytest.fixture
def own(maskrcnn, tmp_path):
    """A model file, and a data set whose labels are what that model finds itself."""
    model = save_keypoint_model(tmp_path / "model.safetensors")
    data = write_keypoints(tmp_path / "data")
    photos, content = data.parent / "images", json.loads(data.read_text())
    maskrcnn("predict", photos, "--model", model, "--score", 0.01, "--out", tmp_path / "found")
    content["annotations"] = []
    for k, row in enumerate(json.loads((tmp_path / "found" / "predictions.json").read_text()), 1):
        points = [v if j % 3 < 2 else 2 for j, v in enumerate(row["keypoints"])]
        label = {name: row[name] for name in ("image_id", "category_id", "bbox", "segmentation")}
        content["annotations"].append(label | {"id": k, "keypoints": points, "iscrowd": 0})
    data.write_text(json.dumps(content))
    return model, data


@pytest.fixture
def keypoint_metrics(maskrcnn, tmp_path):
    def measure(model, data):
        maskrcnn("evaluate", data, "--model", model, "--out", tmp_path / "metrics", "--bootstrap", 0)
        metrics = json.loads((tmp_path / "metrics" / "metrics.json").read_text())
        return {name: value for name, value in metrics.items() if name.startswith("keypoints/")}

    return measure


def test_what_a_model_finds_itself_it_finds_again(own, keypoint_metrics):
    """From the network to the file and back to COCO's evaluation no point moves."""
    metrics = keypoint_metrics(*own)
    assert metrics["keypoints/AP"] > 0.99 and metrics["keypoints/AR"] > 0.99


def test_points_are_measured_by_name_not_by_place(own, keypoint_metrics):
    model, data = own
    shuffled, content = [2, 0, 1], json.loads(data.read_text())
    for annotation in content["annotations"]:
        points = annotation["keypoints"]
        annotation["keypoints"] = [v for k in shuffled for v in points[3 * k : 3 * k + 3]]
    data.write_text(json.dumps(content))
    assert keypoint_metrics(model, data)["keypoints/AP"] < 0.9
    content["categories"][0]["keypoints"] = [NAMES[k] for k in shuffled]
    data.write_text(json.dumps(content))
    assert keypoint_metrics(model, data)["keypoints/AP"] > 0.99
    content["categories"][0]["keypoints"] = ["a point that the model does not know", *NAMES[1:]]
    data.write_text(json.dumps(content))
    assert keypoint_metrics(model, data) == {}


@pytest.mark.parametrize(
    "labels, sentence, expected",
    [
        ({"labelled": False}, "No keypoints are labelled", None),
        ({"visibility": 0}, "No keypoints are labelled", None),
        ({"names": NAMES[:2]}, "3 keypoints and the data have 2", 2),
        ({}, "", 3),
    ],
)
def test_training_fits_the_head_to_the_data(maskrcnn, tmp_path, labels, sentence, expected):
    model = save_keypoint_model(tmp_path / "model.safetensors")
    data = write_keypoints(tmp_path / "data", **labels)
    outcome = maskrcnn("train", data, "--out", tmp_path / "out", "--model", model, *FEW)
    assert outcome.code == 0
    assert sentence in outcome.err and ("keypoint" in outcome.err) == bool(sentence)
    network, info = load_checkpoint(tmp_path / "out" / "best.safetensors")
    assert ("keypoint" in network.heads) == (expected is not None)
    assert len(info.keypoint_names) == (expected or 0)
    assert expected is None or network.heads["keypoint"].num_keypoints == expected


def test_a_checkpoint_keeps_names_and_skeleton_and_an_old_one_has_none(tmp_path, tiny_file):
    info = read_info(save_keypoint_model(tmp_path / "model.safetensors"))
    assert (info.keypoint_names, info.skeleton) == (tuple(NAMES), ((0, 1), (0, 2)))
    assert load_checkpoint(tmp_path / "model.safetensors")[0].config.keypoint_head == tiny_keypoints()
    old = read_info(save_tiny_model(tmp_path / "old.safetensors", CLASSES))
    assert (old.keypoint_names, old.skeleton, old.config.keypoint_head) == ((), (), None)


def test_a_skeleton_counts_from_one_in_coco_and_its_faults_are_left_out(tmp_path):
    path = write_keypoints(tmp_path)
    content = json.loads(path.read_text())
    assert open_dataset(path).skeleton == ((0, 1), (0, 2))
    for limbs in ([[1, 2], [0, 1], [3, 4], [1], "12", [1, "2"]], [[1, 2]]):
        content["categories"][0]["skeleton"] = limbs
        path.write_text(json.dumps(content))
        assert open_dataset(path).skeleton == ((0, 1),)
    for limbs in (None, 3, []):
        content["categories"][0]["skeleton"] = limbs
        path.write_text(json.dumps(content))
        assert open_dataset(path).skeleton == ()
