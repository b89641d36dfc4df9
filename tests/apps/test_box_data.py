"""Data of boxes only: no mask head, no mask figures, and boxes in the pictures; and the other way round."""

import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.checkpoints.ours import load_checkpoint
from tiny import save_photo, write_coco

FEW = ("--epochs", 1, "--batch", 2, "--workers", 0)
ANNOTATION = (
    "<annotation><filename>{0}.png</filename><size><width>64</width><height>48</height><depth>3</depth></size><object>"
    "<name>disc</name><bndbox><xmin>11</xmin><ymin>9</ymin><xmax>30</xmax><ymax>28</ymax></bndbox></object></annotation>"
)


def coco(folder):
    return write_coco(folder, masks=False)


def yolo(folder):
    for k in range(4):
        save_photo(folder / "images" / f"{k}.png", seed=k)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{k}.txt").write_text("0 0.5 0.5 0.3 0.4\n")
    (folder / "data.yaml").write_text("train: images\nval: images\nnames: [disc]\n")
    return folder


def labelme(folder):
    for k in range(4):
        save_photo(folder / f"{k}.png", seed=k)
        shape = {
            "label": "disc",
            "points": [[10, 8], [30, 28]],
            "group_id": None,
            "shape_type": "rectangle",
            "flags": {},
        }
        content = {"shapes": [shape], "imagePath": f"{k}.png", "imageData": None, "imageHeight": 48, "imageWidth": 64}
        (folder / f"{k}.json").write_text(json.dumps(content))
    return folder


def voc(folder):
    for k in range(4):
        save_photo(folder / "JPEGImages" / f"{k}.png", seed=k)
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / "Annotations" / f"{k}.xml").write_text(ANNOTATION.format(k))
    return folder


@pytest.mark.parametrize("write", [coco, yolo, labelme, voc])
def test_boxes_train_a_model_without_masks_and_that_is_said(maskrcnn, tiny_file, tmp_path, write):
    (tmp_path / "data").mkdir()
    data = write(tmp_path / "data")
    outcome = maskrcnn("train", data, "--val", data, "--model", tiny_file, "--out", tmp_path / "run", *FEW)
    assert outcome.code == 0
    assert "The data have boxes but no masks: training without a mask head (Faster R-CNN)." in outcome.err
    best = tmp_path / "run" / "best.safetensors"
    assert load_checkpoint(best)[1].config.mask_head is None

    outcome = maskrcnn("evaluate", data, "--model", best, "--out", tmp_path / "judged", "--bootstrap", 0)
    assert outcome.code == 0
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert "box/AP" in metrics and not [name for name in metrics if name.startswith("mask/")]

    photo = save_photo(tmp_path / "photo.png")
    outcome = maskrcnn("predict", photo, "--model", best, "--out", tmp_path / "out", "--score", 0)
    assert outcome.code == 0
    predictions = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert all("segmentation" not in found and "bbox" in found for found in predictions)
    assert (tmp_path / "out" / "photo.png").is_file()


def test_a_model_with_masks_is_judged_by_boxes_where_there_are_no_masks(maskrcnn, tiny_file, tmp_path):
    data = coco(tmp_path / "data")
    outcome = maskrcnn("evaluate", data, "--model", tiny_file, "--out", tmp_path / "judged", "--bootstrap", 0)
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert outcome.code == 0
    assert "box/AP" in metrics and not [name for name in metrics if name.startswith("mask/")]


def test_semantic_maps_train_on_their_connected_parts_and_that_is_said(maskrcnn, tiny_file, tmp_path):
    (tmp_path / "data" / "classes").mkdir(parents=True)
    for k in range(4):
        save_photo(tmp_path / "data" / "images" / f"{k}.png", seed=k)
        numbers = np.zeros((48, 64), np.uint8)
        numbers[5:20, 5:20], numbers[25:45, 30:50] = 1, 2
        Image.fromarray(numbers).save(tmp_path / "data" / "classes" / f"{k}.png")
    (tmp_path / "data" / "classes.txt").write_text("disc\nbrick\n")
    outcome = maskrcnn(
        "train", tmp_path / "data", "--task", "instances", "--model", tiny_file, "--out", tmp_path / "run", *FEW
    )
    assert outcome.code == 0
    assert "each connected part of a class counts as one object" in outcome.err
    assert load_checkpoint(tmp_path / "run" / "best.safetensors")[1].class_names == ("disc", "brick")
