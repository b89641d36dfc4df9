"""Average precision in any D: hotcoco is the twin for images, and cases by hand for signals and volumes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from evaluation.scenes import random_scenes
from maskrcnn.evaluation import coco
from maskrcnn.evaluation.average_precision import measure
from maskrcnn.evaluation.bootstrap import average_precision
from maskrcnn.evaluation.coco import evaluate_detections
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

NAMES = ["cat", "dog"]


def same_as_hotcoco(kind: str, records: list[Record], detections: list[Instances], cap: int = 100) -> None:
    ours = measure(kind, records, detections, NAMES, cap)
    theirs = coco._with_hotcoco(kind, records, detections, NAMES, cap, ())
    np.testing.assert_allclose(ours.precision[..., 0], theirs.precision[..., 0], atol=1e-9)
    np.testing.assert_allclose(ours.recall[..., 0], theirs.recall[..., 0], atol=1e-9)
    for own, other in zip(ours.matches(), theirs.matches()):
        np.testing.assert_array_equal(own.image, other.image)
        np.testing.assert_array_equal(own.objects, other.objects)
        np.testing.assert_array_equal(own.ignored, other.ignored)
        np.testing.assert_array_equal(own.matched & ~own.ignored, other.matched & ~other.ignored)


@pytest.mark.parametrize("kind", ["box", "mask"])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_as_hotcoco(kind: str, seed: int) -> None:
    same_as_hotcoco(kind, *random_scenes(seed, images=25, objects=9, extras=9))


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_equal_scores_equal_overlaps_and_copies_are_taken_as_hotcoco_takes_them(kind: str) -> None:
    records, detections = random_scenes(7, images=20, objects=8)
    records = [
        replace(
            r,
            boxes=np.repeat(r.boxes, 2, axis=0),
            labels=np.repeat(r.labels, 2),
            crowd=np.repeat(r.crowd, 2),
            regions=r.regions[np.repeat(np.arange(len(r)), 2)],
        )
        for r in records
    ]
    detections = [f[torch.arange(len(f)).repeat_interleave(3)] for f in detections]
    detections = [replace(f, scores=(f.scores * 4).round() / 4) for f in detections]
    same_as_hotcoco(kind, records, detections)
    same_as_hotcoco(kind, records, detections, cap=3)


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_classes_that_nobody_searched_for_and_masks_that_nobody_drew(kind: str) -> None:
    records, detections = random_scenes(8, images=20)
    records = [replace(r, exhaustive=frozenset({1 + i % 2})) for i, r in enumerate(records)]
    for record in records[::3]:
        if len(record):
            blank = Regions.blank(record.spatial_shape, 1)
            rest = record.regions[1:]
            record.regions = Regions(
                rest.spatial_shape,
                np.concatenate([blank.offsets, rest.offsets]),
                np.concatenate([blank.shapes, rest.shapes]),
                [*blank.runs, *rest.runs],
            )
    same_as_hotcoco(kind, records, detections)


def test_counting_every_record_once_is_the_average_precision_itself() -> None:
    tables = measure("mask", *random_scenes(9, images=20), NAMES, 100)
    for k, matches in enumerate(tables.matches()):
        ones = average_precision(matches, np.ones((1, 20), np.int64))[0]
        np.testing.assert_allclose(ones, tables.precision[:, :, k, 0].mean(axis=1), atol=1e-12)


def record_of(boxes: list[list[float]], **more: object) -> Record:
    array = np.array(boxes, np.float32)
    return Record("", 1, "", None, array, np.ones(len(array), np.int64), **more)


def found_at(boxes: list[list[float]], scores: list[float]) -> Instances:
    return Instances(torch.tensor(boxes), torch.ones(len(boxes), dtype=torch.int64), torch.tensor(scores))


def metrics_of(record: Record, found: Instances) -> dict[str, float | None]:
    return evaluate_detections([record], [found], ["wave"], bootstrap=10).metrics


def test_intervals_by_hand() -> None:
    record = record_of([[0, 10], [50, 60]])
    # IoU 0.8 counts at 7 of 10 thresholds, IoU 1 at all. Recall of 1/2 reaches 51 of the 101 steps.
    metrics = metrics_of(record, found_at([[50.0, 60.0], [0.0, 8.0]], [0.9, 0.8]))
    assert metrics["box/AP"] == pytest.approx((7 * 1 + 3 * 51 / 101) / 10)
    assert metrics["box/AP50"] == metrics["box/AP75"] == 1 and metrics["box/AR"] == pytest.approx(0.85)
    # a false alarm first: precision 1/2, then 2/3
    metrics = metrics_of(record, found_at([[20.0, 30.0], [50.0, 60.0], [0.0, 10.0]], [0.9, 0.8, 0.7]))
    assert metrics["box/AP"] == pytest.approx(2 / 3)
    # a second detection of one object is a false alarm
    metrics = metrics_of(record, found_at([[50.0, 60.0], [50.0, 60.0], [0.0, 10.0]], [0.9, 0.8, 0.7]))
    assert metrics["box/AP"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert set(metrics) == {"box/AP", "box/AP50", "box/AP75", "box/AR", "box/AP/wave"}


def test_of_equal_overlaps_the_last_object_is_taken_as_in_coco_s_own_program() -> None:
    record = record_of([[0, 10], [4, 14]])
    between, like_the_last = [2.0, 12.0], [4.0, 14.0]  # IoU 2/3 with both; 1 with the last and 3/7 with the first
    found = found_at([between, like_the_last], [0.9, 0.8])
    assert metrics_of(record, found)["box/AP50"] == pytest.approx(51 / 101)
    shape = (20,)
    full = lambda boxes: Regions.from_windows(shape, (((int(a),), np.ones(int(b - a), bool)) for a, b in boxes))  # noqa: E731
    lifted = lift(
        [replace(record, regions=full(record.boxes), spatial_shape=shape)], [replace(found, regions=full(found.boxes))]
    )
    assert evaluate_detections(*lifted, ["wave"]).metrics["box/AP50"] == pytest.approx(51 / 101)


def test_volumes_by_hand() -> None:
    record = record_of([[0, 0, 0, 10, 10, 10]])
    metrics = metrics_of(record, found_at([[0.0, 0.0, 0.0, 10.0, 10.0, 9.0]], [0.9]))
    assert metrics["box/AP"] == pytest.approx(0.9)  # IoU 0.9: thresholds .50 to .90
    metrics = metrics_of(record, found_at([[0.0, 0.0, 5.0, 10.0, 10.0, 15.0]], [0.9]))
    assert metrics["box/AP"] == 0  # IoU 1/3


def test_masks_of_volumes_are_measured_in_their_windows() -> None:
    shape = (6, 7, 8)
    mask, less = np.zeros((2, *shape), bool)
    mask[1:5, 1:6, 1:6] = True
    less[:] = mask
    less[1, :, :] = False  # 3 of 4 slices: IoU 0.75
    regions, smaller = Regions.from_masks([mask], shape), Regions.from_masks([less], shape)
    record = record_of(regions.boxes().tolist(), regions=regions)
    found = replace(found_at(smaller.boxes().tolist(), [0.9]), regions=smaller)
    metrics = metrics_of(record, found)
    assert metrics["mask/AP"] == pytest.approx(0.6) and metrics["mask/AP75"] == 1


def test_an_object_with_an_unknown_side_is_left_out() -> None:
    unknown = np.array([[False, False], [True, False]])
    record = record_of([[0, 10], [50, 70]], unknown_sides=unknown)
    exact = [0.0, 10.0]
    assert evaluate_detections([record], [found_at([exact], [0.5])], ["wave"]).num_objects == 1
    for box in ([50.0, 62.0], [66.0, 71.0], [20.0, 74.0]):  # the guess at IoU 0.6; the end that is known, twice
        assert metrics_of(record, found_at([box, exact], [0.9, 0.5]))["box/AP"] == 1, box
    for box in ([52.0, 60.0], [50.0, 59.0]):  # neither
        assert metrics_of(record, found_at([box, exact], [0.9, 0.5]))["box/AP"] == pytest.approx(0.5), box
    nowhere = record_of([[0, 10], [50, 70]], unknown_sides=np.array([[False, False], [True, True]]))
    assert metrics_of(nowhere, found_at([[50.0, 52.0], exact], [0.9, 0.5]))["box/AP"] == pytest.approx(0.5)
    assert metrics_of(nowhere, found_at([[50.0, 62.0], exact], [0.9, 0.5]))["box/AP"] == 1
    # a detection of it may be a good one of its neighbour, and then counts
    record = record_of([[0, 10], [5, 10]], unknown_sides=unknown)
    assert metrics_of(record, found_at([exact], [0.9]))["box/AP"] == 1


def test_what_lies_where_nobody_labelled_is_left_out() -> None:
    record = record_of([[100, 110]], extent=np.array([90.0, 200.0]))
    metrics = metrics_of(record, found_at([[20.0, 30.0], [300.0, 310.0], [100.0, 110.0]], [0.9, 0.8, 0.7]))
    assert metrics["box/AP"] == 1
    inside = metrics_of(record, found_at([[84.0, 98.0], [100.0, 110.0]], [0.9, 0.7]))
    assert inside["box/AP"] == pytest.approx(0.5)  # its centre is in the labelled stretch
    twice = record_of([[100, 110]], extent=np.array([[90.0, 120.0], [300.0, 320.0]]))
    assert metrics_of(twice, found_at([[200.0, 210.0], [100.0, 110.0]], [0.9, 0.7]))["box/AP"] == 1
    assert metrics_of(twice, found_at([[300.0, 310.0], [100.0, 110.0]], [0.9, 0.7]))["box/AP"] == pytest.approx(0.5)


def test_intervals_need_more_than_one_record() -> None:
    record, found = record_of([[0, 10]]), found_at([[0.0, 10.0]], [0.9])
    assert evaluate_detections([record], [found], ["wave"], bootstrap=10).intervals == {}
    result = evaluate_detections([record] * 3, [found] * 3, ["wave"], bootstrap=10)
    assert result.intervals["box/AP"] == (1, 1) and result.records == "records"


def test_nothing_found_and_nothing_labelled() -> None:
    nothing = Instances(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    assert metrics_of(record_of([[0, 10]]), nothing)["box/AP"] == 0
    empty = Record("", 1, "", (50,), np.zeros((0, 2), np.float32), np.zeros(0, np.int64))
    assert metrics_of(empty, nothing)["box/AP"] is None
    assert metrics_of(empty, found_at([[0.0, 10.0]], [0.9]))["box/AP"] is None


def test_ten_thousand_objects_take_seconds() -> None:
    rng = np.random.default_rng(0)
    low = np.arange(10_000) * 40.0 + rng.uniform(0, 15, 10_000)
    boxes = np.stack([low, low + rng.uniform(10, 25, 10_000)], axis=1)
    shape = (400_100,)
    regions = Regions.from_windows(shape, (((int(a),), np.ones(int(b - a), bool)) for a, b in boxes))
    record = record_of(boxes.tolist(), regions=regions)
    near = np.sort(np.abs(boxes + rng.normal(0, 2, boxes.shape)))
    found = found_at(near.astype(np.float32).tolist(), rng.random(10_000).tolist())
    found.regions = Regions.from_windows(shape, (((int(a),), np.ones(int(b - a) + 1, bool)) for a, b in near))
    begin = time.perf_counter()
    metrics = evaluate_detections([record], [found], ["wave"], max_detections=10_000).metrics
    assert 0.3 < metrics["box/AP"] < 1 and 0.3 < metrics["mask/AP"] < 1
    assert time.perf_counter() - begin < 30  # two cores: 1


def random_signals(seed: int, records: int = 15) -> tuple[list[Record], list[Instances]]:
    """Whole-numbered intervals of (T,) with masks that have gaps, some of them crowds, scores with ties."""
    rng = np.random.default_rng(seed)
    shape = (300,)

    def regions_at(boxes: np.ndarray) -> Regions:
        windows = [((int(a),), np.where(np.arange(b - a) % 7 == 3, rng.random(b - a) < 0.5, True)) for a, b in boxes]
        return Regions.from_windows(shape, windows)

    def one() -> tuple[Record, Instances]:
        low = rng.integers(0, 250, rng.integers(0, 12))
        truth = np.stack([low, low + rng.integers(4, 50, len(low))], axis=1)
        near = np.repeat(truth, 2, axis=0)[rng.random(2 * len(truth)) < 0.7] + rng.integers(-3, 4, 2)
        near = np.clip(near, 0, 300)
        labels = rng.integers(1, 3, len(truth))
        crowd = rng.random(len(truth)) < 0.2
        regions, covers = regions_at(truth), regions_at(near)
        scores = torch.from_numpy(rng.integers(1, 6, len(near)) / 8)
        found = Instances(
            torch.from_numpy(covers.boxes()), torch.from_numpy(rng.integers(1, 3, len(near))), scores, regions=covers
        )
        return Record("", 1, "", shape, regions.boxes(), labels, regions, crowd), found

    pairs = [one() for _ in range(records)]
    return [record for record, _ in pairs], [found for _, found in pairs]


def raised(regions: Regions) -> Regions:
    """The same objects with one more axis, y or z, that is one sample long."""
    one = lambda array, value: np.pad(array, ((0, 0), (1, 0)), constant_values=value)  # noqa: E731
    return Regions((1, *regions.spatial_shape), one(regions.offsets, 0), one(regions.shapes, 1), regions.runs)


def raised_boxes(boxes: np.ndarray) -> np.ndarray:
    low, high = np.split(boxes, 2, axis=1)
    return np.concatenate([low, np.zeros_like(low[:, :1]), high, np.ones_like(low[:, :1])], axis=1)


def lift(records: list[Record], detections: list[Instances]) -> tuple[list[Record], list[Instances]]:
    """The same scenes in one dimension more."""
    records = [
        replace(r, boxes=raised_boxes(r.boxes), regions=raised(r.regions), spatial_shape=(1, *r.spatial_shape))
        for r in records
    ]
    boxes = [torch.from_numpy(raised_boxes(found.boxes.numpy())) for found in detections]
    return records, [replace(f, boxes=b, regions=raised(f.regions)) for f, b in zip(detections, boxes)]


@pytest.mark.parametrize("kind", ["box", "mask"])
@pytest.mark.parametrize("seed", range(4))
def test_signals_are_flat_images_to_hotcoco(kind: str, seed: int) -> None:
    signals = random_signals(seed)
    ours, theirs = measure(kind, *signals, NAMES, 7), coco._with_hotcoco(kind, *lift(*signals), NAMES, 7, ())
    np.testing.assert_allclose(ours.precision[..., 0], theirs.precision[..., 0], atol=1e-9)
    np.testing.assert_allclose(ours.recall[..., 0], theirs.recall[..., 0], atol=1e-9)
    assert 0.1 < ours.precision.mean() < 1


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_images_are_flat_volumes(kind: str) -> None:
    images = random_scenes(11, images=20)
    ours, theirs = measure(kind, *lift(*images), NAMES, 100), coco._with_hotcoco(kind, *images, NAMES, 100, ())
    np.testing.assert_allclose(ours.precision[..., 0], theirs.precision[..., 0], atol=1e-9)
    np.testing.assert_allclose(ours.recall[..., 0], theirs.recall[..., 0], atol=1e-9)
