from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.console import Console

from evaluation.scenes import HEIGHT, WIDTH, random_scenes
from maskrcnn.evaluation.coco import SUMMARY, evaluate_detections, format_table
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

NAMES = ["cat", "dog"]


def reference(
    records: list[Record], detections: list[Instances], kind: str, max_detections: int = 100
) -> dict[str, float]:
    """The same through pycocotools and dense masks."""

    def encode(regions: Regions, i: int) -> dict:
        return coco_mask.encode(np.asfortranarray(regions.mask(i).astype(np.uint8)))

    def xywh(box: np.ndarray) -> list[float]:
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    annotations, results = [], []
    for image_id, (record, found) in enumerate(zip(records, detections)):
        areas = record.regions.areas() if record.areas is None else record.areas
        for i in range(len(record)):
            label = {"id": len(annotations) + 1, "image_id": image_id, "category_id": int(record.labels[i])}
            label |= {"bbox": xywh(record.boxes[i]), "area": float(areas[i]), "iscrowd": int(record.crowd[i])}
            annotations.append(label | {"segmentation": encode(record.regions, i)})
        for i in range(len(found)):
            result = {"image_id": image_id, "category_id": int(found.labels[i]), "score": float(found.scores[i])}
            shape = {"bbox": xywh(found.boxes[i].numpy())} if kind == "box" else {}
            results.append(result | (shape or {"segmentation": encode(found.regions, i)}))
    gt = COCO()
    gt.dataset = {
        "images": [{"id": i, "height": HEIGHT, "width": WIDTH} for i in range(len(records))],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(results), "bbox" if kind == "box" else "segm")
        run.params.maxDets = [1, 10, max_detections]
        run.evaluate()
        run.accumulate()
    precision, recall = run.eval["precision"][..., 2], run.eval["recall"][..., 2]

    def mean(values: np.ndarray) -> float | None:
        return values[values > -1].mean() if (values > -1).any() else None

    tables = [precision[..., 0], precision[0, ..., 0], precision[5, ..., 0]]
    tables += [precision[..., 1], precision[..., 2], precision[..., 3], recall[..., 0]]
    return {f"{kind}/{name}": mean(table) for name, table in zip(SUMMARY, tables)} | {
        f"{kind}/AP/{name}": mean(precision[:, :, k, 0]) for k, name in enumerate(NAMES)
    }


def assert_same(metrics: dict, expected: dict) -> None:
    for name, value in expected.items():
        assert metrics[name] == (None if value is None else pytest.approx(value, abs=1e-6)), name


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pycocotools(seed: int) -> None:
    records, detections = random_scenes(seed, images=25)
    metrics = evaluate_detections(records, detections, NAMES).metrics
    assert_same(metrics, reference(records, detections, "box"))
    assert_same(metrics, reference(records, detections, "mask"))


def test_agrees_with_a_cap_above_and_below_the_number_of_detections() -> None:
    records, detections = random_scenes(3, images=2, objects=150, extras=150)
    for cap in (10, 100, 250):
        metrics = evaluate_detections(records, detections, NAMES, max_detections=cap).metrics
        assert_same(metrics, reference(records, detections, "mask", cap))
    assert max(len(found) for found in detections) > 150


def test_areas_of_the_label_file_sort_the_objects() -> None:
    records, detections = random_scenes(4, images=10)
    records = [replace(r, areas=np.full(len(r), 40.0**2)) for r in records]
    metrics = evaluate_detections(records, detections, NAMES).metrics
    assert_same(metrics, reference(records, detections, "mask"))
    assert metrics["box/APs"] is None and metrics["box/APl"] is None


def one_object(found: list[tuple[list[float], float]]) -> dict[str, float | None]:
    """Metrics where one image holds one object at [0, 0, 10, 10] and another holds none."""
    boxes = np.array([[0, 0, 10, 10]], np.float32)
    records = [
        Record("", "a", "", (50, 50), boxes, np.array([1])),
        Record("", "b", "", (50, 50), np.zeros((0, 4), np.float32), np.zeros(0, np.int64)),
    ]
    detections = Instances(
        boxes=torch.tensor([box for box, _ in found]).reshape(-1, 4),
        labels=torch.ones(len(found), dtype=torch.int64),
        scores=torch.tensor([score for _, score in found]),
    )
    return evaluate_detections(records, [detections, Instances(torch.zeros(0, 4))], NAMES).metrics


def test_by_hand() -> None:
    # IoU 0.8 with the object is a match at the thresholds 0.50 .. 0.80: 7 of 10; after a false alarm precision is 1/2.
    exact, shorter, elsewhere = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [30.0, 30, 40, 40]
    assert one_object([(exact, 0.5)])["box/AP"] == pytest.approx(1)
    assert one_object([(shorter, 0.5)])["box/AP"] == pytest.approx(0.7)
    assert one_object([(elsewhere, 0.9), (shorter, 0.5)])["box/AP"] == pytest.approx(0.35)
    assert one_object([(elsewhere, 0.4), (exact, 0.5)])["box/AP"] == pytest.approx(1)
    assert one_object([])["box/AP"] == 0
    assert one_object([(exact, 0.5)])["box/AP/dog"] is None
    assert "mask/AP" not in one_object([(exact, 0.5)])


def test_nothing_to_find_is_none_and_still_json() -> None:
    records, _ = random_scenes(0, images=2, objects=0)
    nothing = [Instances(torch.zeros(0, 4))] * 2
    result = evaluate_detections(records, nothing, NAMES, bootstrap=10)
    assert set(result.metrics.values()) == {None} and result.intervals == {}
    json.dumps(result.metrics, allow_nan=False)
    assert evaluate_detections([], [], NAMES).num_images == 0


def test_a_class_nobody_searched_for_counts_neither_for_nor_against() -> None:
    records, detections = random_scenes(5, images=10, extras=0)
    only_cats = [replace(r, exhaustive=frozenset({1})) for r in records]
    dogs = Instances(
        boxes=torch.tensor([[0.0, 0, WIDTH, HEIGHT]]),
        labels=torch.tensor([2]),
        scores=torch.tensor([0.99]),
        regions=Regions.from_masks([np.ones((HEIGHT, WIDTH), bool)], (HEIGHT, WIDTH)),
    )
    no_labels = [
        replace(r, boxes=r.boxes[:0], labels=r.labels[:0], regions=r.regions[:0], crowd=None) for r in only_cats[:2]
    ]
    metrics = evaluate_detections(only_cats + no_labels, detections + [dogs] * 2, NAMES).metrics
    everything = evaluate_detections(records, detections, NAMES).metrics
    assert metrics["box/AP/cat"] == pytest.approx(everything["box/AP/cat"])
    # Dogs that were labelled can be found, and the false alarms among the dogs no longer count.
    assert metrics["mask/AP/dog"] >= everything["mask/AP/dog"] > 0


def test_an_object_whose_mask_nobody_drew_is_measured_by_its_box_alone() -> None:
    square = np.zeros((50, 50), bool)
    square[:10, :10] = True
    shape, box = (50, 50), np.array([[0, 0, 10, 10]], np.float32)
    drawn = Record("", 1, "", shape, box, np.array([1]), Regions.from_masks([square], shape))
    undrawn = replace(drawn, regions=Regions.blank(shape, 1))
    found = Instances(torch.from_numpy(box), torch.tensor([1]), torch.tensor([0.9]), regions=drawn.regions)
    metrics = evaluate_detections([undrawn, drawn], [found, found], NAMES).metrics
    assert metrics["box/AP"] == pytest.approx(1) and metrics["mask/AP"] == pytest.approx(1)
    nothing = replace(found, scores=torch.tensor([0.1]))
    assert evaluate_detections([undrawn], [nothing], NAMES).metrics["mask/AP"] is None


def test_counts_must_agree() -> None:
    records, detections = random_scenes(0, images=2)
    with pytest.raises(ValueError, match="2 records"):
        evaluate_detections(records, detections[:1], NAMES)


def test_table_shows_intervals_and_classes() -> None:
    records, detections = random_scenes(6, images=20)
    result = evaluate_detections(records, detections, NAMES, bootstrap=20)
    console = Console(file=io.StringIO(), width=100)
    console.print(format_table(result))
    text = console.file.getvalue()
    low, high = result.intervals["mask/AP"]
    assert f"{result.metrics['mask/AP']:.3f} [{low:.3f}, {high:.3f}]" in text
    assert "dog" in text and "20 images" in text
