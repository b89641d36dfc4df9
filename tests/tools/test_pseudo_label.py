"""From labels and detections to a COCO file that training reads."""

import json

import pytest
import torch
from PIL import Image

from calibrate import Calibration
from everyday_data import count_examples, gather_photos, partial_photos, write_coco
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from pseudo_label import Rule, box_ap, judge_all, measure_labels, pseudo_photos, truth_of
from pseudo_masks import add_masks, is_sure, model_labels
from teacher import Found
from tiny import noise

CATEGORIES = [{"id": 1, "name": "person"}, {"id": 3, "name": "disc"}, {"id": 7, "name": "brick"}]
CLASSES = {1, 3, 7}
SQUARE = [[8, 8, 24, 8, 24, 24, 8, 24]]
RULE = Rule(Calibration(0.0, 1.0, {}), label_chance=0.5, ignore_chance=0.2)  # a chance is a score


def label(k, image, category, crowd=0):
    own = {"id": k, "image_id": image, "category_id": category, "bbox": [8, 8, 16, 16], "area": 256, "iscrowd": crowd}
    return own | {"segmentation": SQUARE, "keypoints": [0] * 51, "num_keypoints": 0}


@pytest.fixture
def data(tmp_path):
    """Photo 1 with all classes, 2 with people only (1 is among these as well), 3 without labels."""
    root = tmp_path / "coco"
    for folder, name, seed in (("images", "1.jpg", 1), ("images", "2.jpg", 2), ("unlabelled", "3.jpg", 3)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(48, 64, seed)).save(root / folder / name)
    (root / "annotations").mkdir()
    images = [{"id": k, "file_name": f"{k}.jpg", "width": 64, "height": 48} for k in (1, 2)]
    every = {"images": images[:1], "annotations": [label(1, 1, 1), label(2, 1, 7)], "categories": CATEGORIES}
    people = {"images": images, "annotations": [label(1, 1, 1), label(2, 2, 1)], "categories": CATEGORIES[:1]}
    for name, content in (("coco80_train", every), ("people_train", people)):
        (root / "annotations" / f"{name}.json").write_text(json.dumps(content))
    return root


def found(*rows):
    """From rows (x1, y1, x2, y2, score, category)."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return Found(table[:, :4], table[:, 4], table[:, 5].long(), torch.zeros(len(table), dtype=torch.long))


def test_every_photo_comes_once_with_what_it_was_searched_for(data):
    photos = gather_photos(data)
    assert [(p.entry["id"], p.exhaustive, len(p.real)) for p in photos] == [(1, CLASSES, 2), (2, {1}, 1), (3, set(), 0)]
    assert "keypoints" not in photos[0].real[0]


def test_the_written_file_reads_back_with_all_its_photos(data, tmp_path):
    seen = [
        found((0, 0, 9, 9, 0.9, 3)),
        found((30, 8, 60, 40, 0.9, 3), (0, 30, 8, 40, 0.3, 7)),
        found((1, 2, 30, 40, 0.8, 1)),
    ]
    labelled = pseudo_photos(gather_photos(data), seen, RULE)
    write_coco(tmp_path / "out" / "all.json", labelled, CATEGORIES, data)
    dataset = open_dataset(tmp_path / "out" / "all.json")
    assert [fault for fault in dataset.problems if "without a mask" not in fault] == []
    assert dataset.class_names == ("person", "disc", "brick") and dataset.category_ids == (1, 3, 7)
    first, second, third = dataset
    assert first.labels.tolist() == [1, 3]  # fully labelled: nothing is added
    assert second.labels.tolist() == [1, 2, 3] and second.crowd.tolist() == [False, False, True]
    assert second.boxes[1].tolist() == [30, 8, 60, 40]
    assert second.regions.areas().tolist() == [256, 0, 0]
    assert third.labels.tolist() == [1] and third.exhaustive is None and second.exhaustive is None
    assert dataset.read_image(third).shape == (3, 48, 64)
    pseudo = [a for a in json.loads((tmp_path / "out" / "all.json").read_text())["annotations"] if a.get("pseudo")]
    assert [round(a["score"], 2) for a in pseudo] == [0.9, 0.3, 0.8]


def test_the_partial_file_says_what_was_searched_for(data, tmp_path):
    write_coco(tmp_path / "part.json", partial_photos(gather_photos(data), CLASSES), CATEGORIES, data)
    first, second = open_dataset(tmp_path / "part.json")
    assert first.exhaustive is None and second.exhaustive == {1}
    assert second.labels.tolist() == [1]


def test_writing_again_replaces_links_to_other_folders(data, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "images").symlink_to(tmp_path / "other")
    write_coco(tmp_path / "a.json", [], CATEGORIES, data)
    write_coco(tmp_path / "a.json", [], CATEGORIES, data)
    assert (tmp_path / "images").resolve() == (data / "images").resolve()


def test_where_two_classes_claim_one_place_the_likelier_has_it():
    rows = found((0, 0, 20, 20, 0.7, 3), (0, 0, 20, 21, 0.9, 7), (30, 0, 40, 9, 0.1, 3))
    made = RULE.annotations(rows, set(), truth_of([]))
    assert [(a["category_id"], a["iscrowd"]) for a in made] == [(7, 0), (3, 1)]


def test_a_real_object_has_its_place_but_a_real_crowd_has_not():
    rows, real = found((8, 8, 24, 24, 0.9, 3)), label(1, 1, 1)
    assert RULE.annotations(rows, {1}, truth_of([real]))[0]["iscrowd"] == 1
    assert RULE.annotations(rows, {1}, truth_of([real | {"iscrowd": 1}]))[0]["iscrowd"] == 0


def test_examples_are_counted_by_kind():
    real, pseudo = label(1, 1, 3), {"category_id": 3, "pseudo": True, "iscrowd": 0}
    counts = count_examples([({}, [real, label(2, 1, 3, crowd=1), pseudo, pseudo | {"iscrowd": 1}])])
    assert counts == {3: {"real": 1, "pseudo": 1, "ignored": 1}}


def test_labels_are_measured_by_precision_and_recall():
    right, wrong, middling = (8, 8, 24, 24, 0.9, 3), (40, 8, 60, 24, 0.9, 3), (8, 8, 24, 24, 0.3, 7)
    judged = judge_all([found(right, wrong, middling)], [truth_of([label(1, 1, 3), label(2, 1, 7)])])
    measured = measure_labels(judged, judged.scores, 2, 0.5, 0.2)
    assert measured["labels"] == {"boxes": 2, "precision": 0.5, "recall": 0.5}
    assert measured["crowds"] == {"boxes": 1, "precision": 1.0, "recall": 0.5}


def test_perfect_detections_have_an_ap_of_one(data):
    right = found((8, 8, 24, 24, 0.9, 1), (8, 8, 24, 24, 0.8, 7), (0, 0, 5, 5, 0.9, 99))
    assert box_ap(data / "annotations" / "coco80_train.json", [right])["AP"] == pytest.approx(1.0)


def square_masks(count=1):
    """A square in the middle 12 x 12 of 14 x 14 bins, as sure as can be."""
    masks = torch.full((count, 14, 14), 0.02)
    masks[:, 1:13, 1:13] = 0.98
    return masks


def test_only_sure_masks_of_some_size_are_kept():
    sure, unsure, part, full = square_masks(), square_masks(), square_masks(), torch.full((1, 14, 14), 0.99)
    unsure[:, 1:13, 1:13] = 0.7
    part[:, :, 4:] = 0.02
    masks = torch.cat([sure, unsure, part, full, sure])
    boxes = torch.tensor([[0.0, 0.0, 30.0, 30.0]] * 4 + [[0.0, 0.0, 30.0, 9.0]])
    assert is_sure(masks, boxes).tolist() == [True, False, False, False, False]
    assert is_sure(masks[:0], boxes[:0]).tolist() == []


def test_masks_go_to_sure_labels_and_not_to_ignored_boxes(data, tmp_path, tiny_file, monkeypatch):
    monkeypatch.setattr(Predictor, "mask_probabilities", lambda self, image, boxes, labels: square_masks(len(boxes)))
    photos = gather_photos(data)
    seen = [found(), found((10, 8, 38, 36, 0.9, 3), (30, 8, 60, 40, 0.3, 7)), found((10, 8, 38, 36, 0.8, 1))]
    labelled = pseudo_photos(photos, seen, RULE)
    assert add_masks(photos, labelled, {c["id"]: c["name"] for c in CATEGORIES}, tiny_file) == 1
    write_coco(tmp_path / "masks.json", labelled, CATEGORIES, data)
    _, second, third = open_dataset(tmp_path / "masks.json")
    assert second.regions.areas().tolist() == [256, 24 * 24, 0]
    assert second.regions.boxes()[1].tolist() == [12, 10, 36, 34]
    assert third.regions.areas().tolist() == [0]  # the model knows no person


def test_labels_are_matched_by_name(tiny_file):
    predictor = Predictor.load(tiny_file)
    assert model_labels(predictor, {1: "person", 3: "disc", 7: "brick"}) == {1: 0, 3: 1, 7: 2}
