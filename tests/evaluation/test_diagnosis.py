"""What is gathered adds up, on random scenes and with a real walk through a tiny model."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scenes import random_scenes

from cases import few
from maskrcnn.evaluation.evaluate import LOWEST_SCORE, evaluate
from maskrcnn.evaluation.misses.diagnosis import Diagnosis, Missed, Watcher
from maskrcnn.evaluation.misses.matching import NOBODY, best_first, lay_out, match_scene, shown_matches
from maskrcnn.evaluation.misses.stages import CAUSES
from maskrcnn.evaluation.misses.trace import trace
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from tiny import CLASSES, noise, tiny_info, tiny_model, write_coco


def diagnose(records, detections, threshold=0.5):
    """Of scenes without a model: whatever is missed is blamed on one cause after another."""
    diagnosis = Diagnosis(("a", "b"), masks=True, threshold=threshold)
    for record, found in zip(records, detections):
        found = best_first(found)
        scene = lay_out(record, found, True)
        matches = shown_matches(match_scene(scene), scene.scores > threshold)
        lost = np.flatnonzero((matches.detection_of == NOBODY) & ~scene.ignored)
        missed = {m: Missed(k % len(CAUSES), int(scene.truth[m]), 1.0) for k, m in enumerate(lost.tolist())}
        diagnosis.add(scene, record, found, missed)
    return diagnosis


@few
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 0.62]))
def test_all_that_is_counted_adds_up(seed, threshold):
    records, detections = random_scenes(seed, images=6)
    d = diagnose(records, detections, threshold)
    matrix = d.confusion
    assert d.causes().sum() == len(d.missed) == d.objects.sum() - d.found.sum()
    assert (d.objects - d.found == np.bincount([m.label for m in d.missed], minlength=3)).all()
    assert (np.diag(matrix) == d.found).all()
    assert (matrix.sum(1)[1:] == d.objects[1:]).all()
    assert (matrix.sum(0)[1:] == (d.found + d.false.sum(1))[1:]).all()
    shown = d.by_score[:, round(threshold * 100) :].sum(1)
    assert shown.tolist() == [d.false.sum(), d.found.sum()]
    assert d.by_size.sum(1).tolist() == [d.objects.sum(), d.found.sum()]


@pytest.mark.parametrize("seed", range(3))
def test_the_worst_and_the_best_images_are_kept_and_no_others(seed):
    records, detections = random_scenes(seed, images=40)
    d = diagnose(records, detections)
    every = [diagnose([r], [f]) for r, f in zip(records, detections)]
    judged = [one.worst[0] for one in every if one.worst]
    assert [j.f1 for j in d.worst] == sorted(j.f1 for j in judged)[:4]
    best = sorted((one.best[0].f1 for one in every if one.best), reverse=True)
    assert [j.f1 for j in d.best] == best[:4]


@pytest.fixture(scope="module")
def predictor():
    model = tiny_model()
    return Predictor(model, tiny_info(model))


def own_predictions(predictor, data, score=0.05):
    """``data`` with what the model itself finds as its labels."""
    predictor = predictor.with_options(score=score)
    content, labels = json.loads(data.read_text()), []
    dataset = open_dataset(data)
    for record in dataset:
        found = predictor(dataset.read_image(record))
        for label, (x1, y1, x2, y2) in zip(found.labels.tolist(), found.boxes.tolist()):
            box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]]}
            labels.append({"id": len(labels), "image_id": record.image_id, "category_id": label, "iscrowd": 0, **box})
    path = data.with_name("own.json")
    path.write_text(json.dumps(content | {"annotations": labels}))
    return path


@pytest.mark.parametrize("tile", ["off", 40])
@pytest.mark.parametrize("seed", range(3))
def test_with_a_model_each_missed_object_has_one_cause(predictor, tmp_path, seed, tile):
    data = open_dataset(own_predictions(predictor, write_coco(tmp_path, count=4 + seed)))
    predictor = predictor.with_options(score=LOWEST_SCORE, tile=tile)
    watcher = Watcher(predictor, data)
    result, _ = evaluate(predictor, data, watch=watcher)
    d = watcher.diagnosis
    assert result.num_objects == d.objects.sum() > 8
    assert d.causes().sum() == d.objects.sum() - d.found.sum() > 0
    assert d.tiled == (0 if tile == "off" else len(data))
    assert all(m.seen > 0 for m in d.missed if CAUSES[m.cause] not in ("mask", "joined"))
    assert all(m.score <= 0.5 for m in d.missed if CAUSES[m.cause] == "score")


def test_watching_changes_no_metric(predictor, tmp_path):
    data = open_dataset(write_coco(tmp_path))
    assert evaluate(predictor, data)[0] == evaluate(predictor, data, watch=Watcher(predictor, data))[0]


def test_with_a_cap_of_one_the_other_objects_are_beyond_it(predictor, tmp_path):
    data = open_dataset(own_predictions(predictor, write_coco(tmp_path), score=0.6))
    predictor = predictor.with_options(max_detections=1)
    watcher = Watcher(predictor, data)
    evaluate(predictor, data, watch=watcher)
    assert watcher.diagnosis.causes()[CAUSES.index("cap")] > 0


def test_a_class_that_the_model_does_not_know_is_said_to_be_unknown(tmp_path):
    model = tiny_model()
    predictor = Predictor(model, tiny_info(model, ("disc", "something else")))
    data = open_dataset(write_coco(tmp_path))
    watcher = Watcher(predictor, data)
    evaluate(predictor, data, watch=watcher)
    unknown = [m for m in watcher.diagnosis.missed if CAUSES[m.cause] == "unknown class"]
    assert {m.label for m in unknown} == {CLASSES.index("brick") + 1}
    assert len(unknown) == watcher.diagnosis.objects[2]


def test_masks_that_miss_their_box_are_the_cause(predictor, tmp_path):
    """Labels whose boxes are the model's and whose masks are one corner of them."""
    path = own_predictions(predictor, write_coco(tmp_path), score=0.6)
    content = json.loads(path.read_text())
    for label in content["annotations"]:
        x, y, w, h = label["bbox"]
        thin = [x, y, x + w, y, x + w, y + 1, x + 1, y + 1, x + 1, y + h, x, y + h]  # two edges: the box stays
        label["segmentation"] = [thin]
    path.write_text(json.dumps(content))
    data = open_dataset(path)
    watcher = Watcher(predictor, data)
    evaluate(predictor, data, watch=watcher)
    assert watcher.diagnosis.causes()[CAUSES.index("mask")] > 0


def test_an_object_is_traced_in_the_tile_that_sees_all_of_it(predictor):
    image = torch.from_numpy(noise(48, 160)).movedim(-1, 0)
    box = torch.tensor([[120.0, 10, 140, 30]])
    predictor = predictor.with_options(score=LOWEST_SCORE, tile=64, overlap=0.25)
    fates, sizes = trace(predictor, image, box, [1], 0.5)
    alone, lone_sizes = trace(predictor, image[:, :, 96:], box - torch.tensor([96.0, 0, 96, 0]), [1], 0.5)
    assert (fates, sizes) == (alone, lone_sizes)
    assert sizes[0] == pytest.approx(20 * 64 / 64, rel=0.02)


def test_a_lower_threshold_finds_no_less(predictor, tmp_path):
    data = open_dataset(own_predictions(predictor, write_coco(tmp_path)))
    found = []
    for threshold in (0.2, 0.5, 0.9):
        watcher = Watcher(predictor, data, threshold)
        evaluate(predictor, data, watch=watcher)
        found.append(int(watcher.diagnosis.found.sum()))
    assert found == sorted(found, reverse=True) and found[0] > found[-1]
