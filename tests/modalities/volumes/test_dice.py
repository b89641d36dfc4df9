"""Dice and volume error by hand and against dense masks, in any number of dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cases import NDIMS, SHAPES
from maskrcnn.modalities.volumes.measures.dice import dice_by_class, dice_measures, one_object_a_class
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

NAMES = ("head", "tail")


def record_of(label_map: np.ndarray) -> Record:
    regions = Regions.from_label_map(label_map)
    labels = np.unique(label_map[label_map > 0]).astype(np.int64)
    return Record("", 1, "", label_map.shape, regions.boxes(), labels, regions)


def found_as(label_map: np.ndarray, scores: list[float]) -> Instances:
    record = record_of(label_map)
    return Instances(
        torch.from_numpy(record.boxes),
        torch.from_numpy(record.labels),
        torch.tensor(scores[: len(record)]),
        regions=record.regions,
    )


def test_by_hand() -> None:
    truth, found = np.zeros((2, 20), int)
    truth[2:10], found[4:10], truth[12:16] = 1, 1, 2
    metrics = dice_measures([record_of(truth)], [found_as(found, [0.9])], NAMES, "organ")
    assert metrics["organ/head/dice"] == pytest.approx(2 * 6 / 14)
    assert metrics["organ/head/volume_error"] == pytest.approx(2 / 8)
    assert (metrics["organ/tail/dice"], metrics["organ/tail/volume_error"]) == (0, 1)
    nothing = dice_measures([record_of(truth)], [found_as(found, [0.5])], NAMES, "organ")
    assert nothing["organ/head/dice"] == 0  # not shown
    assert dice_measures([], [], NAMES, "organ")["organ/head/dice"] is None


@NDIMS
def test_the_same_as_dense_masks(ndim: int) -> None:
    rng = np.random.default_rng(ndim)
    pairs = [rng.integers(0, 3, (2, *SHAPES[ndim])) for _ in range(3)]
    records = [record_of(a) for a, _ in pairs]
    metrics = dice_measures(records, [found_as(b, [0.9, 0.8]) for _, b in pairs], NAMES, "x")
    for k, name in enumerate(NAMES, 1):
        dice = [2 * ((a == k) & (b == k)).sum() / ((a == k).sum() + (b == k).sum()) for a, b in pairs]
        error = [abs(int((a == k).sum()) - int((b == k).sum())) / (a == k).sum() for a, b in pairs]
        assert metrics[f"x/{name}/dice"] == pytest.approx(np.mean(dice))
        assert metrics[f"x/{name}/volume_error"] == pytest.approx(np.mean(error))


def slow_scores(record: Record, found: Instances, label: int) -> tuple[float, float] | None:
    """Dice and difference of volume from full boolean arrays, by looking at every object and every detection."""
    truth, best, surest = np.zeros(record.spatial_shape, bool), np.zeros(record.spatial_shape, bool), 0.5
    for i in range(len(record)):
        if record.labels[i] == label:
            truth = record.regions.mask(i)
    for i in range(len(found)):
        if found.labels[i] == label and found.scores[i] > surest:
            best, surest = found.regions.mask(i), float(found.scores[i])
    if not truth.any():
        return None
    both, own, other = int((truth & best).sum()), int(truth.sum()), int(best.sum())
    return 2 * both / (own + other), (other - own) / own


@NDIMS
def test_the_same_as_full_arrays_with_many_detections_and_missing_classes(ndim: int) -> None:
    rng, shape = np.random.default_rng(ndim), SHAPES[ndim]
    records, detections = [], []
    for k in range(6):
        records.append(record_of(rng.integers(0, 3, shape) * rng.choice([0, 1], shape, p=[0.6, 0.4]) % (2 + k % 2)))
        count = 5 if k else 0
        masks = Regions.from_masks([rng.random(shape) < 0.5 for _ in range(count)], shape)
        labels, scores = torch.from_numpy(rng.integers(1, 3, count)), torch.from_numpy(rng.random(count))
        detections.append(Instances(torch.from_numpy(masks.boxes()), labels, scores, regions=masks))
    for label, own in enumerate(dice_by_class(records, detections, NAMES), 1):
        slow = {r: slow_scores(record, detections[r], label) for r, record in enumerate(records)}
        slow = {r: score for r, score in slow.items() if score is not None}
        assert own.records.tolist() == list(slow) and own.name == NAMES[label - 1]
        assert own.dice == pytest.approx([dice for dice, _ in slow.values()])
        assert own.difference == pytest.approx([difference for _, difference in slow.values()])
    assert len(own.records) == 3  # every second scan has no tail


def test_a_label_without_voxels_is_no_object() -> None:
    blank = Regions.blank((5,), 1)
    record = Record("", 1, "", (5,), np.array([[0, 3]], np.float32), np.array([1]), blank)
    assert dice_measures([record], [Instances(torch.zeros(0, 2))], NAMES, "x")["x/head/dice"] is None


def test_the_surest_detection_is_the_object() -> None:
    truth, good = np.zeros((2, 20), int)
    truth[2:10], good[2:10] = 1, 1
    bad = np.roll(good, 9)
    both = Regions.from_masks([bad > 0, good > 0], truth.shape)
    found = Instances(torch.from_numpy(both.boxes()), torch.tensor([1, 1]), torch.tensor([0.6, 0.7]), regions=both)
    assert dice_measures([record_of(truth)], [found], NAMES, "x")["x/head/dice"] == 1


def test_one_object_a_class() -> None:
    label_map = np.array([0, 1, 1, 0, 2])
    record = record_of(label_map)
    assert one_object_a_class([record])
    twice = Record("", 1, "", (5,), record.boxes, np.array([1, 1]), record.regions)
    assert not one_object_a_class([record, twice])
    assert not one_object_a_class([Record("", 1, "", (5,), record.boxes, record.labels)])
