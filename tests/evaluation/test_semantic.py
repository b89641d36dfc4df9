"""Measures of class maps, against a twin that looks at one sample after another and a case that is counted by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cases import NDIMS
from maskrcnn.evaluation.evaluate import own_labels
from maskrcnn.evaluation.mask_quality import eroded
from maskrcnn.evaluation.semantic import SampleScores, border
from maskrcnn.structures import IGNORED


def random_maps(ndim, seed=0, files=3):
    generator = np.random.default_rng(seed)
    shapes = [(6, 7, 5)[:ndim], (5, 4, 6)[:ndim], (3, 3, 3)[:ndim]]
    for shape in shapes[:files]:
        labelled = generator.integers(-1, 4, shape).astype(np.int16)
        told = np.where(generator.random(shape) < 0.5, labelled.clip(0), generator.integers(0, 5, shape))
        yield labelled, told.astype(np.int16)


def near_another(labels, place, width):
    """Whether a sample of another label, or the outside, is within ``width`` samples along every axis."""
    steps = itertools.product(range(-width, width + 1), repeat=labels.ndim)
    for step in steps:
        there = tuple(p + s for p, s in zip(place, step))
        if not all(0 <= p < side for p, side in zip(there, labels.shape)) or labels[there] != labels[place]:
            return True
    return False


def twin(files, background):
    """IoU and border IoU of each class, and accuracy, sample by sample."""
    both, either, edge_both, edge_either, true = (dict.fromkeys(range(4), 0) for _ in range(5))
    right = total = 0
    for labelled, told in files:
        counted = {p for p in np.ndindex(*labelled.shape) if labelled[p] != IGNORED and (background or labelled[p] > 0)}
        a, b = labelled.copy(), told.copy()
        for p in np.ndindex(*labelled.shape):
            if p not in counted:
                a[p] = b[p] = IGNORED
        width = max(round(0.02 * math.hypot(*labelled.shape)), 1)
        for p in counted:
            total, right = total + 1, right + int(a[p] == b[p])
            edges = near_another(a, p, width), near_another(b, p, width)
            for k in range(4):
                here, there = a[p] == k, b[p] == k
                true[k] += here
                both[k] += here and there
                either[k] += here or there
                edge_both[k] += here and there and all(edges)
                edge_either[k] += (here and edges[0]) or (there and edges[1])
    iou = {k: both[k] / either[k] for k in range(4) if true[k]}
    edge = {k: edge_both[k] / edge_either[k] for k in range(4) if true[k] and edge_either[k]}
    return iou, edge, right / total


@NDIMS
@pytest.mark.parametrize("background", [True, False])
def test_the_measures_are_those_of_the_twin(ndim, background):
    scores = SampleScores(("a", "b", "c"), background)
    files = list(random_maps(ndim))
    for labelled, told in files:
        scores.add(labelled, told)
    iou, edge, accuracy = twin(files, background)
    metrics = scores.metrics()
    for k, name in enumerate(("background", "a", "b", "c")):
        if k or background:
            assert metrics[f"semantic/IoU/{name}"] == pytest.approx(iou[k])
    assert metrics["semantic/mIoU"] == pytest.approx(np.mean(list(iou.values())))
    assert metrics["semantic/boundaryIoU"] == pytest.approx(np.mean(list(edge.values())))
    assert metrics["semantic/accuracy"] == pytest.approx(accuracy)


def test_a_case_that_is_counted_by_hand():
    """Of nine samples one is unlabelled; a is told right twice of three times and once where b is."""
    labelled = np.array([[1, 1, 1], [2, 2, 2], [2, 2, IGNORED]], np.int16)
    told = np.array([[1, 1, 2], [1, 2, 2], [2, 2, 1]], np.int16)
    scores = SampleScores(("a", "b"), False)
    scores.add(labelled, told, "x")
    metrics = scores.metrics()
    assert metrics["semantic/IoU/a"] == 2 / 4 and metrics["semantic/IoU/b"] == 4 / 6
    assert metrics["semantic/accuracy"] == 6 / 8
    assert metrics["semantic/dice/a"] == pytest.approx(2 * 2 / 6) and metrics["semantic/dice/b"] == pytest.approx(0.8)
    assert metrics["semantic/volume_error/a"] == 0 == metrics["semantic/volume_error/b"]
    assert metrics["semantic/mIoU"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores.files == [("x", pytest.approx((1 / 2 + 2 / 3) / 2))]
    assert scores.mistakes() == [("a", "b", 1 / 8), ("b", "a", 1 / 8)]


def test_a_class_that_is_nowhere_labelled_does_not_count():
    scores = SampleScores(("a", "b"), True)
    scores.add(np.zeros((4, 4), np.int16), np.zeros((4, 4), np.int16))
    assert scores.metrics()["semantic/mIoU"] == 1 and scores.metrics()["semantic/IoU/a"] is None


def test_nothing_labelled_is_nothing_measured():
    scores = SampleScores(("a",), True)
    scores.add(np.full((4, 4), IGNORED, np.int16), np.zeros((4, 4), np.int16))
    assert scores.metrics()["semantic/mIoU"] is None and scores.files == []


@NDIMS
def test_a_border_is_what_erosion_takes(ndim):
    labels = np.random.default_rng(0).integers(0, 2, (4,) * ndim)
    labels = np.kron(labels, np.ones((6,) * ndim, dtype=np.int64))
    width = max(round(0.02 * math.hypot(*labels.shape)), 1)
    found = border(labels)
    for k in (0, 1):
        assert ((labels == k) & found == ((labels == k) & ~eroded(labels == k, width))).all()


def test_a_model_s_classes_have_the_data_s_labels():
    told = np.array([0, 1, 2, 3], np.int16)
    assert own_labels(told, [2, 0, 1], 2).tolist() == [0, 2, 3, 1]
