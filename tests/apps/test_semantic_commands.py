"""Class maps as a user has them: trained, predicted, judged, and refused in one sentence."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.checkpoints.ours import load_checkpoint, read_info
from tiny import noise, save_tiny_model, write_coco

FEW = ("--epochs", 1, "--batch", 2, "--workers", 0, "--image-size", 64, "--crop-size", 64)
LIST = "0 sky\n1 road\n2 car\n9 void (ignore)\n"


def write_maps(folder, count=4, classes=LIST):
    """Noise, in which the road is dark and the car red; a row of each map is unlabelled."""
    for part in ("images", "classes"):
        (folder / part).mkdir(parents=True)
    for k in range(count):
        pixels, numbers = noise(seed=k), np.zeros((48, 64), np.uint8)
        numbers[24:], numbers[30:40, 8 + k : 30 + k], numbers[20] = 1, 2, 9
        pixels[numbers == 1] //= 4
        pixels[numbers == 2] = (220, 30, 30)
        Image.fromarray(pixels).save(folder / "images" / f"{k}.png")
        Image.fromarray(numbers).save(folder / "classes" / f"{k}.png")
    (folder / "classes.txt").write_text(classes)
    return folder


@pytest.fixture
def maps(tmp_path):
    return write_maps(tmp_path / "maps")


@pytest.fixture
def train(maskrcnn, tiny_file, tmp_path):
    def run(*arguments, out="out"):
        return maskrcnn("train", *arguments, "--model", tiny_file, "--out", tmp_path / out, *FEW)

    return run


def test_class_maps_train_a_semantic_model_that_predicts_and_is_judged(maskrcnn, train, maps, tmp_path):
    outcome = train(maps, "--val", maps)
    assert outcome.code == 0 and "the class of every pixel is learned; --task instances" in outcome.err
    assert "task: semantic" in (tmp_path / "out" / "plan.yaml").read_text()
    best = tmp_path / "out" / "best.safetensors"
    model, info = load_checkpoint(best)
    assert not model.finds_objects and info.class_names == ("sky", "road", "car") and info.category_ids == (0, 1, 2)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 0 <= metrics["semantic/mIoU"] <= 1 and "semantic/IoU/car" in metrics and "box/AP" not in metrics
    assert "mean IoU" in (tmp_path / "out" / "report.html").read_text()

    seen = tmp_path / "seen"
    more = ("--probabilities", "--flip", "--tile", 64)
    outcome = maskrcnn("predict", maps / "images", "--model", best, "--out", seen, *more)
    assert outcome.code == 0 and "classes in 4 images" in outcome.out
    numbers = np.array(Image.open(seen / "0.classes.png"))
    assert numbers.shape == (48, 64) and numbers.dtype == np.uint8 and set(np.unique(numbers)) <= {0, 1, 2}
    assert (seen / "classes.txt").read_text() == "0 sky\n1 road\n2 car\n"
    with np.load(seen / "0.probabilities.npz") as file:
        assert file["probabilities"].shape == (3, 48, 64) and file["names"].tolist() == ["sky", "road", "car"]
        sums = file["probabilities"].astype(int).sum(0)
        assert (abs(sums - 255) <= 3).all()
        own = np.take_along_axis(file["probabilities"], numbers[None].astype(int), 0)[0]
        assert (own.astype(int) >= file["probabilities"].max(0).astype(int) - 1).all()  # bytes are rounded
    with (seen / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["pixels"]) for row in rows if row["file"].endswith("0.png")) == 48 * 64
    picture = Image.open(seen / "0.png")
    assert picture.width % 64 == 0 and picture.height > picture.width * 48 / 64  # the legend is below

    outcome = maskrcnn("evaluate", maps, "--model", best, "--out", tmp_path / "judged")
    assert outcome.code == 0 and "mean IoU" in outcome.out
    again = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert again["semantic/mIoU"] == metrics["semantic/mIoU"]


def test_objects_are_found_in_class_maps_where_that_is_asked_for(train, maps, tmp_path):
    outcome = train(maps, "--task", "instances")
    assert outcome.code == 0 and "each connected part of a class counts as one object" in outcome.err
    model, _ = load_checkpoint(tmp_path / "out" / "best.safetensors")
    assert model.finds_objects and "semantic" not in model.heads


def test_plans_of_earlier_versions_stay_what_they_were(train, maps, tmp_path):
    (tmp_path / "old.yaml").write_text("image_size: 64\ncrop_size: 64\n")
    outcome = train(maps, "--plan", tmp_path / "old.yaml", "--plan-only")
    assert outcome.code == 0 and "task: instances" in (tmp_path / "out" / "plan.yaml").read_text()


def test_objects_give_class_maps_beside_boxes_and_masks(maskrcnn, train, tmp_path):
    data = write_coco(tmp_path / "data")
    outcome = train(data, "--val", data, "--semantic-from-instances")
    assert outcome.code == 0
    best = tmp_path / "out" / "best.safetensors"
    model, _ = load_checkpoint(best)
    assert model.finds_objects and {"box", "mask", "semantic"} <= set(model.heads)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {"box/AP", "mask/AP", "semantic/mIoU", "semantic/IoU/background"} <= set(metrics)
    photos = tmp_path / "data" / "images"
    assert maskrcnn("predict", photos, "--model", best, "--out", tmp_path / "a", "--score", 0).code == 0
    assert maskrcnn("predict", photos, "--model", best, "--out", tmp_path / "b", "--semantic").code == 0
    assert (tmp_path / "b" / "0.classes.png").exists() and not (tmp_path / "a" / "0.classes.png").exists()


def test_objects_alone_give_a_semantic_model_too(train, tmp_path):
    assert train(write_coco(tmp_path / "data"), "--task", "semantic").code == 0
    info = read_info(tmp_path / "out" / "best.safetensors")
    assert not info.config.finds_objects and info.config.semantic_head.background


def test_a_training_goes_on_with_its_task(maskrcnn, train, maps, tmp_path):
    assert train(maps).code == 0
    outcome = maskrcnn("train", maps, "--out", tmp_path / "out", "--resume")
    assert outcome.code == 0 and "has finished" in outcome.err


def test_boxes_without_masks_are_no_class_maps(refused, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", masks=False)
    words = refused("train", data, "--model", tiny_file, "--task", "semantic", "--out", tmp_path / "out")
    assert "has boxes but no masks" in words


def test_the_class_map_of_a_photo_comes_from_masks_where_there_is_no_head(maskrcnn, tiny_file, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(noise()).save(photo)
    outcome = maskrcnn("predict", photo, "--model", tiny_file, "--semantic", "--score", 0, "--out", tmp_path / "out")
    assert outcome.code == 0
    numbers = np.array(Image.open(tmp_path / "out" / "photo.classes.png"))
    assert numbers.shape == (48, 64) and set(np.unique(numbers)) <= {0, 1, 2} and numbers.any()


def test_a_map_with_a_number_outside_the_list_is_left_out_and_named(train, maps):
    numbers = np.full((48, 64), 7, np.uint8)
    Image.fromarray(numbers).save(maps / "classes" / "2.png")
    outcome = train(maps)
    assert outcome.code == 0
    assert "2.png holds the number 7" in outcome.err and "add a line `7 NAME`" in outcome.err


def test_a_map_of_another_size_is_left_out_and_named(train, maps):
    Image.fromarray(np.ones((20, 64), np.uint8)).save(maps / "classes" / "1.png")
    outcome = train(maps)
    assert outcome.code == 0 and "1.png is 64 x 48 pixels but its labels were drawn on 64 x 20" in outcome.err


@pytest.mark.parametrize(
    ("number", "words"), [(9, "Nothing is labelled in"), (1, "with one class alone there is nothing to tell apart")]
)
def test_maps_of_nothing_or_of_one_class_are_refused(refused, tiny_file, maps, tmp_path, number, words):
    for path in (maps / "classes").iterdir():
        Image.fromarray(np.full((48, 64), number, np.uint8)).save(path)
    assert words in refused("train", maps, "--task", "semantic", "--model", tiny_file, "--out", tmp_path / "out")


def test_probabilities_are_for_models_that_have_them(refused, tiny_file, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(noise()).save(photo)
    flags = ("--semantic", "--probabilities", "--out", tmp_path / "out")
    assert "--probabilities is for models that tell" in refused("predict", photo, "--model", tiny_file, *flags)


def test_boxes_alone_make_no_class_map(refused, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(noise()).save(photo)
    boxes = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    words = refused("predict", photo, "--model", boxes, "--semantic", "--out", tmp_path / "out")
    assert "finds boxes only" in words
