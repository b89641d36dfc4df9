"""samples.jpg and results.csv of a training, the way to drafts, and what evaluate says of classes."""

import csv
import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.jobs.results.training_files import moved_mask, write_results
from maskrcnn.regions import AxisMap
from tiny import save_photo, write_coco


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([0.5, 1.0, 1.7, -1.0, -0.6]), st.floats(-9, 9), st.floats(-9, 9), st.integers(0, 99))
def test_a_mask_is_moved_as_its_boxes_are(scale, across, down, seed):
    mask = np.random.default_rng(seed).random((7, 9)) < 0.5
    shift = (across + (9 * abs(scale) if scale < 0 else 0), down)
    moved = moved_mask(mask, AxisMap((scale, abs(scale)), shift), (8, 10))
    for row in range(8):
        for column in range(10):  # each pixel by itself
            x = math.floor((column + 0.5) * (1 / scale) - shift[0] * (1 / scale))
            y = math.floor((row + 0.5) * (1 / abs(scale)) - shift[1] * (1 / abs(scale)))
            assert moved[row, column] == (0 <= x < 9 and 0 <= y < 7 and bool(mask[y, x]))


def test_the_log_is_a_table(tmp_path):
    lines = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25, "val/loss": 1.0}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert write_results(tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"step": "1", "loss": "0.5", "val/loss": ""}, {"step": "2", "loss": "0.25", "val/loss": "1.0"}]


def test_a_training_leaves_both(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", count=3)
    flags = ("--model", tiny_file, "--plan", "off", "--epochs", 1, "--batch", 2, "--workers", 0)
    assert maskrcnn("train", data, "--out", tmp_path / "out", *flags).code == 0
    with Image.open(tmp_path / "out" / "samples.jpg") as picture:
        assert picture.width > 400 and np.asarray(picture).std() > 5
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        steps = [row["step"] for row in csv.DictReader(file)]
    logged = (tmp_path / "out" / "log.jsonl").read_text().splitlines()
    assert steps == [str(json.loads(line)["step"]) for line in logged]


def test_training_on_pictures_without_labels_names_the_way_to_drafts(refused, tmp_path):
    save_photo(tmp_path / "photos" / "a.png")
    sentence = refused("train", tmp_path / "photos", "--out", tmp_path / "out")
    assert f"maskrcnn predict {tmp_path / 'photos'} --to labelme" in sentence


def test_a_model_that_knows_one_class_of_several_says_so(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", count=4, classes=("disc", "cone", "tube"))
    asked = ("evaluate", data, "--model", tiny_file, "--out", tmp_path / "out", "--bootstrap", 0)
    told = maskrcnn(*asked, "--no-report").err
    assert "knows 1 of the 3 classes of" in told and "(disc), and finds no cone, tube;" in told
