"""COCO's keypoint AP against pycocotools, on random people, crowds and detections."""

from __future__ import annotations

import contextlib
import dataclasses
import io

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation.scenes import random_scenes
from maskrcnn.evaluation.coco import KEYPOINT_SUMMARY, evaluate_detections, format_table
from maskrcnn.evaluation.keypoints import COCO_SIGMAS, OTHER_SIGMA, keypoint_sigmas
from maskrcnn.structures import Instances, Record

NAMES = ["cat", "dog"]
PERSON = tuple(COCO_SIGMAS)


def keypoint_scenes(seed, images, num_keypoints=17, labelled=0.7):
    """Scenes whose objects have points all over their boxes; some labels have none, some detections are far off."""
    records, detections = random_scenes(seed, images)
    rng = np.random.default_rng(seed)
    for record, found in zip(records, detections):
        low, high = np.split(record.boxes[:, None], 2, -1)
        points = low + rng.random((len(record), num_keypoints, 2)) * (high - low)
        visibility = rng.integers(0, 3, (*points.shape[:2], 1)) * (rng.random((len(record), 1, 1)) < labelled)
        record.keypoints = (np.concatenate([points, np.ones_like(visibility)], -1) * (visibility > 0)).astype(
            np.float32
        )
        record.keypoints[..., 2:] = visibility
        guesses = np.zeros((len(found), num_keypoints, 3), np.float32)
        for i, (x1, y1, x2, y2) in enumerate(found.boxes.tolist()):
            guesses[i] = rng.random((num_keypoints, 3)) * [x2 - x1, y2 - y1, 1] + [x1, y1, 0]
            if i < len(record) and rng.random() < 0.8:
                own, found.labels[i] = record.keypoints[i], int(record.labels[i])
                scale = rng.choice([0.5, 2.0, 5.0])
                guesses[i, :, :2] = np.where(own[:, 2:] > 0, own[:, :2], guesses[i, :, :2])
                guesses[i, :, :2] += rng.normal(0, scale, (num_keypoints, 2))
        found.keypoints = torch.from_numpy(guesses)
    return records, detections


def reference(
    records: list[Record], detections: list[Instances], sigmas: list[float], cap: int = 20
) -> dict[str, float | None]:
    annotations, results = [], []
    for image_id, (record, found) in enumerate(zip(records, detections)):
        areas = record.regions.areas()
        for i, (x1, y1, x2, y2) in enumerate(record.boxes.tolist()):
            points = record.keypoints[i].astype(float)
            points[points[:, 2] > 0, :2] -= 0.5
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": int(record.labels[i]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": float(areas[i]),
                    "iscrowd": int(record.crowd[i]),
                    "keypoints": points.flatten().tolist(),
                    "num_keypoints": int((points[:, 2] > 0).sum()),
                }
            )
        for i in range(len(found)):
            points = found.keypoints[i].double().numpy() - [0.5, 0.5, 0]
            result = {"image_id": image_id, "category_id": int(found.labels[i]), "score": float(found.scores[i])}
            results.append(result | {"keypoints": points.flatten().tolist()})
    gt = COCO()
    gt.dataset = {
        "images": [{"id": i} for i in range(len(records))],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(results), "keypoints")
        run.params.kpt_oks_sigmas = np.array(sigmas)
        run.params.maxDets = [cap]
        run.evaluate()
        run.accumulate()
    precision, recall = run.eval["precision"][..., 0], run.eval["recall"][..., 0]

    def mean(values: np.ndarray) -> float | None:
        return float(values[values > -1].mean()) if (values > -1).any() else None

    tables = [precision[..., 0], precision[0, ..., 0], precision[5, ..., 0]]
    tables += [precision[..., 1], precision[..., 2], recall[..., 0]]
    classes = {f"keypoints/AP/{name}": mean(precision[:, :, k, 0]) for k, name in enumerate(NAMES)}
    return {f"keypoints/{name}": mean(table) for name, table in zip(KEYPOINT_SUMMARY, tables)} | classes


def keypoint_metrics(result):
    return {name: value for name, value in result.metrics.items() if name.startswith("keypoints/")}


def assert_same(metrics, expected):
    assert metrics.keys() == expected.keys()
    for name, value in expected.items():
        assert metrics[name] == (None if value is None else pytest.approx(value, abs=1e-9)), name


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("max_detections", [100, 3])
def test_the_metrics_are_those_of_pycocotools(seed, max_detections):
    records, detections = keypoint_scenes(seed, 30)
    result = evaluate_detections(records, detections, NAMES, max_detections, keypoint_names=PERSON)
    metrics = keypoint_metrics(result)
    assert_same(metrics, reference(records, detections, list(COCO_SIGMAS.values()), min(20, max_detections)))
    assert 0.05 < metrics["keypoints/AP"] < 0.95


def test_points_that_are_not_cocos_have_one_sigma_for_all():
    records, detections = keypoint_scenes(5, 30, num_keypoints=6)
    result = evaluate_detections(records, detections, NAMES, keypoint_names=("a", "b", "c", "d", "e", "f"))
    assert_same(keypoint_metrics(result), reference(records, detections, [OTHER_SIGMA] * 6))
    assert abs(np.mean(list(COCO_SIGMAS.values())) - OTHER_SIGMA) < 1e-3
    assert keypoint_sigmas(PERSON[::-1], 17) == [OTHER_SIGMA] * 17  # COCO's numbers go with COCO's order


def test_cocos_sigmas_are_those_of_pycocotools():
    run = COCOeval(iouType="keypoints")
    assert keypoint_sigmas(PERSON, 17) == pytest.approx(run.params.kpt_oks_sigmas)


def test_an_object_without_a_labelled_point_is_neither_missed_nor_a_false_alarm():
    records, detections = keypoint_scenes(1, 20)
    perfect = []
    for record in records:
        record.crowd[:] = False
        scores = torch.linspace(0.9, 0.5, len(record))
        points = torch.from_numpy(record.keypoints.copy())
        points[..., 2] = 1
        found = Instances(torch.from_numpy(record.boxes), torch.from_numpy(record.labels), scores, keypoints=points)
        perfect.append(found[torch.from_numpy((record.keypoints[..., 2] > 0).any(1))])
    result = evaluate_detections(records, perfect, NAMES, keypoint_names=PERSON)
    assert sum(len(found) for found in perfect) < sum(len(record) for record in records)
    assert result.metrics["keypoints/AP"] == result.metrics["keypoints/AR"] == pytest.approx(1.0)


def test_points_of_a_class_that_was_not_searched_for_are_no_false_alarms():
    records, detections = keypoint_scenes(2, 20)
    first = dataclasses.replace(records[0], exhaustive=frozenset({1}))
    keep = torch.from_numpy(np.isin(detections[0].labels.numpy(), [1]))
    same = [dataclasses.replace(first, exhaustive=None), *records[1:]], [detections[0][keep], *detections[1:]]
    labels = records[0].labels == 1
    assert not keep.all()
    for record in (first, same[0][0]):
        for name in ("boxes", "labels", "crowd", "keypoints"):
            setattr(record, name, getattr(record, name)[labels])
        record.regions = record.regions[torch.from_numpy(labels)]
    assert_same(
        keypoint_metrics(evaluate_detections([first, *records[1:]], detections, NAMES, keypoint_names=PERSON)),
        keypoint_metrics(evaluate_detections(*same, NAMES, keypoint_names=PERSON)),
    )


def test_more_than_twenty_people_with_points_all_count():
    points = np.zeros((30, 17, 3), np.float32) + [[5.0, 5.0, 2.0]]
    boxes = np.array([[20.0 * i, 0, 20.0 * i + 10, 40] for i in range(30)], np.float32)
    points[..., :2] += boxes[:, None, :2]
    record = Record("", 0, "", (40, 600), boxes, np.ones(30, np.int64), keypoints=points)
    tensors = torch.from_numpy(boxes), torch.ones(30, dtype=torch.long), torch.linspace(0.9, 0.5, 30)
    found = Instances(*tensors, keypoints=torch.from_numpy(points))
    result = evaluate_detections([record], [found], ["person"], keypoint_names=PERSON)
    assert result.metrics["keypoints/AR"] == pytest.approx(1.0)


def test_keypoints_are_measured_only_where_both_sides_have_them():
    records, detections = keypoint_scenes(0, 6)
    without = [dataclasses.replace(found, keypoints=None) for found in detections]
    fewer = [dataclasses.replace(found, keypoints=found.keypoints[:, :5]) for found in detections]
    unlabelled = [dataclasses.replace(record, keypoints=record.keypoints * 0) for record in records]
    for labels, found in ((records, without), (records, fewer), (unlabelled, detections)):
        assert not keypoint_metrics(evaluate_detections(labels, found, NAMES))
    nothing = [found[:0] for found in detections]
    assert evaluate_detections(records, nothing, NAMES, keypoint_names=PERSON).metrics["keypoints/AP"] == 0


def test_intervals_hold_the_value_and_the_table_has_a_column():
    records, detections = keypoint_scenes(3, 40)
    result = evaluate_detections(records, detections, NAMES, bootstrap=200, keypoint_names=PERSON)
    for name in ("keypoints/AP", "keypoints/AP50"):
        low, high = result.intervals[name]
        assert 0 < low < result.metrics[name] < high < 1
    table = format_table(result)
    assert [column.header for column in table.columns] == ["", "box", "mask", "keypoints"]
    cells = list(table.columns[3].cells)
    assert cells[0].startswith(f"{result.metrics['keypoints/AP']:.3f} [")
    assert cells[3] == "–"  # COCO has no small ones
