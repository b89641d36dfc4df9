"""The box head's shapes, and detections against a naive selection."""

import dataclasses

import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import BoxHeadConfig, DetectionConfig, PoolConfig
from maskrcnn.models.heads.box import BoxHead, detect

CLASSES = 3


@NDIMS
@pytest.mark.parametrize("class_agnostic, boxes_each", [(False, CLASSES), (True, 1)])
def test_a_box_has_a_logit_a_class_and_deltas_a_class_or_once(ndim, class_agnostic, boxes_each):
    head = BoxHead(ndim, 4, CLASSES, BoxHeadConfig(PoolConfig(3), 8, class_agnostic), [(4,) * ndim, (8,) * ndim])
    features = [torch.randn(2, 4, *(8,) * ndim, generator=seeded())]
    for counts in ((3, 2), (0, 2), (0, 0)):
        logits, deltas = head(features, [inner_boxes(count, (32,) * ndim) for count in counts])
        assert logits.shape == (sum(counts), CLASSES + 1)
        assert deltas.shape == (sum(counts), boxes_each, 2 * ndim)


def random_outputs(ndim, counts, class_agnostic=False):
    """Of a box head that is often sure, for proposals that reach outside the image here and there."""
    total, generator = sum(counts), seeded()
    logits = torch.randn(total, CLASSES + 1, generator=generator) * 3
    deltas = torch.randn(total, 1 if class_agnostic else CLASSES, 2 * ndim, generator=generator)
    return logits, deltas, [inner_boxes(count, (20,) * ndim, seed=count) - 2 for count in counts]


@NDIMS
@pytest.mark.parametrize("class_agnostic", [False, True], ids=["by class", "class-agnostic"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"score_threshold": 0.5},
        {"nms_threshold": 0.1},
        {"max_detections": 6},
        {"min_box_size": 2.0},
        {"min_box_size": 0.0, "score_threshold": 0.0, "nms_threshold": 0.3, "max_detections": 15},
    ],
    ids=str,
)
def test_detections_are_those_of_the_naive_selection(ndim, class_agnostic, changes):
    config = dataclasses.replace(DetectionConfig(), **changes)
    counts, shapes = (20, 9), [(16,) * ndim, tuple(range(12, 12 + ndim))]
    logits, deltas, proposals = random_outputs(ndim, counts, class_agnostic)
    detections = detect(logits, deltas, proposals, shapes, config)
    images = zip(logits.split(counts), deltas.split(counts), proposals, shapes)
    for found, (own_logits, own_deltas, own_proposals, shape) in zip(detections, images):
        expected = naive.detect(
            own_logits.tolist(), own_deltas.tolist(), own_proposals.tolist(), shape, *dataclasses.astuple(config)
        )
        boxes, labels, scores = zip(*expected)
        assert found.labels.tolist() == list(labels)
        torch.testing.assert_close(found.scores, torch.tensor(scores))
        torch.testing.assert_close(found.boxes, torch.tensor(boxes), rtol=1e-4, atol=1e-4)


@NDIMS
def test_without_proposals_there_are_no_detections(ndim):
    logits, deltas, proposals = random_outputs(ndim, (0, 4))
    nothing, something = detect(logits, deltas, proposals, [(16,) * ndim] * 2, DetectionConfig())
    assert (len(nothing), nothing.boxes.shape) == (0, (0, 2 * ndim))
    assert len(something) > 0


def test_background_is_never_detected():
    """Every proposal is background but one."""
    logits = torch.tensor([[9.0, 0.0, 0.0, 0.0]]).repeat(5, 1)
    logits[3] = torch.tensor([0.0, 0.0, 9.0, 0.0])
    proposals = inner_boxes(5, (20, 20))
    (found,) = detect(logits, torch.zeros(5, CLASSES, 4), [proposals], [(20, 20)], DetectionConfig())
    assert found.labels.tolist() == [2]
    torch.testing.assert_close(found.boxes, proposals[3:4])


def test_classes_do_not_suppress_each_other():
    logits = torch.tensor([[0.0, 5.0, 5.0, 0.0], [0.0, 4.0, 0.0, 0.0]])
    box = torch.tensor([[2.0, 2.0, 9.0, 9.0]]).repeat(2, 1)
    (found,) = detect(logits, torch.zeros(2, CLASSES, 4), [box], [(20, 20)], DetectionConfig())
    assert found.labels.tolist() == [1, 2]
