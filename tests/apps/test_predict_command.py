"""``maskrcnn predict`` as a user runs it."""

import csv
import json
import math

import numpy as np
import pytest
from hotcoco import mask as coco_mask
from PIL import Image

from maskrcnn.config import AnchorConfig
from tiny import CLASSES, save_photo, save_tiny_model


@pytest.fixture
def photo(tmp_path):
    return save_photo(tmp_path / "photos" / "street.png")


@pytest.fixture
def predict(maskrcnn, tiny_file, tmp_path):
    def run(*arguments):
        return maskrcnn("predict", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


@pytest.fixture
def refuses(refused, tiny_file, tmp_path):
    def run(*arguments):
        return refused("predict", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


def results(tmp_path):
    return json.loads((tmp_path / "out" / "predictions.json").read_text())


def table(tmp_path):
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_photo_becomes_a_picture_a_list_and_a_table(predict, photo, tmp_path):
    outcome = predict(photo)
    assert (outcome.code, outcome.err) == (0, "")
    assert files(tmp_path / "out") == ["predictions.json", "street.png", "summary.csv"]
    found = len(results(tmp_path))
    assert outcome.out.splitlines() == [
        f"{photo}: {found} objects",
        f"{found} objects in 1 image; pictures, predictions.json and summary.csv are in {tmp_path / 'out'}",
    ]
    with Image.open(tmp_path / "out" / "street.png") as picture:
        assert picture.size == (8 * 64, 8 * 48)  # small images are enlarged


def test_each_prediction_is_a_coco_result_with_names(predict, photo, tmp_path):
    predict(photo)
    assert len(results(tmp_path)) > 3
    for found in results(tmp_path):
        assert set(found) == {"file_name", "image_id", "category", "category_id", "bbox", "segmentation", "score"}
        assert (found["file_name"], found["image_id"]) == (photo.as_posix(), "street")
        assert found["category"] == CLASSES[found["category_id"] - 1]
        x, y, width, height = found["bbox"]
        assert x >= 0 and y >= 0 and x + width <= 64.01 and y + height <= 48.01
        assert 0.5 <= found["score"] <= 1
        assert found["segmentation"]["size"] == [48, 64]
        assert isinstance(found["segmentation"]["counts"], str)


def test_masks_lie_in_their_boxes(predict, photo, tmp_path):
    predict(photo)
    for found in results(tmp_path):
        x, y, width, height = found["bbox"]
        mask = coco_mask.decode(found["segmentation"])
        rows, columns = np.nonzero(mask)
        assert math.floor(x) <= columns.min() and columns.max() < math.ceil(x + width)
        assert math.floor(y) <= rows.min() and rows.max() < math.ceil(y + height)


def test_the_table_says_the_same_as_the_list(predict, photo, tmp_path):
    predict(photo)
    for number, (row, found) in enumerate(zip(table(tmp_path), results(tmp_path), strict=True), start=1):
        assert (row["file"], row["object"], row["class"]) == (photo.as_posix(), str(number), found["category"])
        assert float(row["score"]) == found["score"]
        assert [float(row["x1"]), float(row["y1"])] == found["bbox"][:2]
        assert int(row["area_px"]) == coco_mask.area(found["segmentation"])


def test_a_number_as_file_name_becomes_a_number_as_image_id(predict, tmp_path):
    predict(save_photo(tmp_path / "photos" / "000042.png"))
    assert {found["image_id"] for found in results(tmp_path)} == {42}


def test_a_folder_is_walked_and_what_is_no_image_is_skipped(predict, photo, tmp_path):
    save_photo(photo.parent / "deep" / "er" / "lake.png", seed=1)
    (photo.parent / "notes.txt").write_text("no image")
    (photo.parent / "sound.mp3").write_bytes(b"no image")
    assert predict(photo.parent).code == 0
    assert files(tmp_path / "out") == ["lake.png", "predictions.json", "street.png", "summary.csv"]


def test_images_of_the_same_name_get_a_picture_each(predict, photo, tmp_path):
    other = save_photo(tmp_path / "photos" / "b" / "street.png", seed=1)
    assert predict(photo.parent).code == 0
    assert files(tmp_path / "out") == ["predictions.json", "street-2.png", "street.png", "summary.csv"]
    ids = {found["file_name"]: found["image_id"] for found in results(tmp_path)}
    assert ids == {photo.as_posix(): "street", other.as_posix(): "street-2"}


def test_results_inside_the_input_folder_are_never_read_as_input(maskrcnn, tiny_file, photo):
    command = ("predict", photo.parent, "--model", tiny_file, "--out", photo.parent / "results")
    first, second = maskrcnn(*command), maskrcnn(*command)
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    assert files(photo.parent / "results") == ["predictions.json", "street.png", "summary.csv"]


def test_results_among_the_images_are_refused(refused, tiny_file, photo):
    sentence = refused("predict", photo, "--model", tiny_file, "--out", photo.parent)
    assert str(photo.parent) in sentence and "--out" in sentence
    assert files(photo.parent) == ["street.png"]


def test_a_file_named_twice_is_done_once(predict, photo, tmp_path):
    predict(photo, photo)
    assert files(tmp_path / "out") == ["predictions.json", "street.png", "summary.csv"]


def test_only_the_named_classes_are_kept(predict, photo, tmp_path):
    predict(photo, "--score", 0.05, "--classes", "disc")
    assert {found["category"] for found in results(tmp_path)} == {"disc"}


def test_an_unknown_class_is_refused(refuses, photo, tmp_path):
    sentence = refuses(photo, "--classes", "disc", "giraffe")
    assert "giraffe" in sentence and "disc, brick" in sentence
    assert not (tmp_path / "out").exists()


def test_a_higher_score_leaves_out_the_weaker(predict, photo, tmp_path):
    predict(photo, "--score", 0.3)
    all_scores = [found["score"] for found in results(tmp_path)]
    predict(photo, "--score", 0.8)
    assert [found["score"] for found in results(tmp_path)] == [score for score in all_scores if score >= 0.8]
    assert 0 < len(results(tmp_path)) < len(all_scores)


def test_nothing_found_is_a_result_too(predict, photo, tmp_path):
    outcome = predict(photo, "--score", 1)
    assert outcome.code == 0
    assert outcome.out.startswith(f"{photo}: 0 objects\n0 objects in 1 image;")
    assert (results(tmp_path), table(tmp_path)) == ([], [])


def test_the_best_few_are_kept(predict, photo, tmp_path):
    predict(photo)
    best = results(tmp_path)[:2]
    predict(photo, "--max-detections", 2)
    assert results(tmp_path) == best


def test_the_best_few_are_those_of_the_named_classes(predict, photo, tmp_path):
    predict(photo, "--score", 0.05, "--classes", "disc")
    assert len(results(tmp_path)) > 1  # and bricks have better scores
    best = results(tmp_path)[:1]
    predict(photo, "--score", 0.05, "--classes", "disc", "--max-detections", 1)
    assert results(tmp_path) == best


def test_more_objects_than_the_model_usually_gives_can_be_had(predict, photo, tmp_path):
    predict(photo, "--score", 0)
    usual = len(results(tmp_path))
    predict(photo, "--score", 0, "--max-detections", 30)
    assert usual == 20 < len(results(tmp_path)) <= 30


def test_label_maps_number_objects_and_classes(predict, photo, tmp_path):
    predict(photo, "--label-maps")
    assert files(tmp_path / "out")[1:4] == ["street.classes.png", "street.instances.png", "street.png"]
    with Image.open(tmp_path / "out" / "street.instances.png") as picture:
        instances = np.array(picture)
    assert instances.shape == (48, 64) and instances.dtype == np.uint16
    assert set(np.unique(instances)) <= set(range(len(results(tmp_path)) + 1))
    with Image.open(tmp_path / "out" / "street.classes.png") as picture:
        classes = np.array(picture)
    for number, found in enumerate(results(tmp_path), start=1):
        assert (classes[instances == number] == found["category_id"]).all()


def test_label_maps_of_a_model_without_masks_are_refused(refused, photo, tmp_path):
    boxes_only = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    sentence = refused("predict", photo, "--model", boxes_only, "--label-maps", "--out", tmp_path / "out")
    assert "boxes" in sentence and "masks" in sentence
    assert not (tmp_path / "out").exists()


def test_a_model_of_volumes_is_refused(refused, photo, tmp_path):
    shapes = {"anchors": AnchorConfig(sizes=((8.0,),) * 5, shapes=((1.0, 1.0, 1.0),))}
    volumes = save_tiny_model(tmp_path / "volumes.safetensors", ndim=3, **shapes)
    assert "3-D" in refused("predict", photo, "--model", volumes, "--out", tmp_path / "out")


def test_a_model_without_masks_gives_boxes_and_their_areas(maskrcnn, photo, tmp_path):
    boxes_only = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    assert maskrcnn("predict", photo, "--model", boxes_only, "--out", tmp_path / "out").code == 0
    for found, row in zip(results(tmp_path), table(tmp_path), strict=True):
        assert "segmentation" not in found
        assert int(row["area_px"]) == pytest.approx(found["bbox"][2] * found["bbox"][3], abs=1)


def test_images_that_run_together_give_the_same(predict, photo, tmp_path):
    for k, (height, width) in enumerate([(48, 64), (64, 48), (48, 64), (20, 80)]):
        save_photo(photo.parent / f"{k}.png", height, width, seed=k)
    predict(photo.parent)
    one_by_one = results(tmp_path)
    predict(photo.parent, "--batch", 3)
    assert [(f["file_name"], f["category"]) for f in results(tmp_path)] == [
        (f["file_name"], f["category"]) for f in one_by_one
    ]
    boxes, others = (np.array([f["bbox"] for f in found]) for found in (results(tmp_path), one_by_one))
    assert np.allclose(boxes, others, atol=0.02)


def test_a_larger_image_size_changes_what_is_seen_and_not_the_coordinates(predict, photo, tmp_path):
    predict(photo)
    usual = results(tmp_path)
    predict(photo, "--image-size", 128)
    assert results(tmp_path) != usual
    assert all(found["segmentation"]["size"] == [48, 64] for found in results(tmp_path))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--score", "1.5"),
        ("--score", "-0.1"),
        ("--score", "nan"),
        ("--batch", "0"),
        ("--max-detections", "0"),
        ("--image-size", "0"),
        ("--image-size", "-5"),
        ("--device", "toaster"),
        ("--device", "cuda:99"),
    ],
)
def test_a_flag_out_of_range_is_refused_and_named(refuses, photo, tmp_path, flag, value):
    sentence = refuses(photo, flag, value)
    assert flag in sentence and value in sentence
    assert not (tmp_path / "out").exists()


def test_each_object_becomes_a_file_of_its_own(predict, photo, tmp_path):
    outcome = predict(photo, "--cutouts")
    assert outcome.code == 0 and "cutouts" in outcome.out
    rows = {f"street_cutout_{row['object']}_{row['class']}.png": row for row in table(tmp_path)}
    written = files(tmp_path / "out" / "cutouts")
    assert set(written) == {name for name, row in rows.items() if int(row["area_px"])} and len(written) > 3
    for name in written:
        with Image.open(tmp_path / "out" / "cutouts" / name) as picture:
            alpha = np.asarray(picture)[..., 3]
        assert set(np.unique(alpha)) <= {0, 255}
        assert np.count_nonzero(alpha) == int(rows[name]["area_px"])


def test_a_model_without_masks_cuts_nothing_out(refused, photo, tmp_path):
    boxes_only = save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None)
    sentence = refused("predict", photo, "--model", boxes_only, "--out", tmp_path / "out", "--cutouts")
    assert "no masks to cut objects out with" in sentence
