"""Classes that nobody searched an image for are neither background nor loss there."""

import math

import pytest
import torch

from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import LossConfig
from maskrcnn.losses.box import box_losses
from maskrcnn.losses.mask import mask_loss
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.sampling import SampledProposals, sample_anchors
from maskrcnn.structures import OTHER, ImageBatch, Instances
from tiny import tiny_model

CLASSES = 3


def losses_of(logits, labels, exhaustive, ndim=2, deltas=None, config=LossConfig()):  # noqa: B008 - frozen
    """The box head's losses of one image whose proposals have ``labels``; objects 0, 1 ... are the positives'."""
    count, positives = len(labels), sum(label != 0 for label in labels)
    boxes = inner_boxes(count, (30,) * ndim, seed=4)
    target = Instances(inner_boxes(max(positives, 1), (30,) * ndim, seed=7))
    sampled = SampledProposals(boxes, torch.tensor(labels), torch.arange(positives))
    deltas = torch.zeros(count, CLASSES, 2 * ndim) if deltas is None else deltas
    return box_losses(logits, deltas, [sampled], [target], config, [exhaustive])


def naive_class_loss(logits, labels, exhaustive):
    total = 0.0
    for row, label in zip(logits.tolist(), labels):
        weights = [math.exp(value) for value in row]
        allowed = [label]
        if label == 0:
            allowed += [k for k in range(1, len(row)) if k not in exhaustive]
        total -= math.log(sum(weights[k] for k in allowed) / sum(weights))
    return total


@NDIMS
@pytest.mark.parametrize("exhaustive", [frozenset(), frozenset({1}), frozenset({1, 3}), frozenset({1, 2, 3})])
def test_no_object_means_background_or_an_unsearched_class(ndim, exhaustive):
    logits, labels = torch.randn(6, CLASSES + 1, generator=seeded(1)), [3, 1, 0, 0, 0, 0]
    found = losses_of(logits, labels, exhaustive, ndim)["loss_box_class"]
    assert found.total.item() == pytest.approx(naive_class_loss(logits, labels, exhaustive), rel=1e-5)
    assert found.count == len(labels)


def test_where_all_was_searched_nothing_changes():
    logits, labels = torch.randn(6, CLASSES + 1, generator=seeded(1)), [3, 1, 0, 0, 0, 0]
    everything, unsaid = (losses_of(logits, labels, s)["loss_box_class"].total for s in (frozenset({1, 2, 3}), None))
    torch.testing.assert_close(everything, unsaid)


def test_what_looks_like_an_unsearched_class_costs_nothing():
    logits = torch.tensor([[0.0, -20.0, 20.0, -20.0]])  # surely of class 2, and nobody labelled it
    assert losses_of(logits, [0], frozenset({1, 3}))["loss_box_class"].total.item() < 1e-6
    assert losses_of(logits, [0], frozenset({1, 2, 3}))["loss_box_class"].total.item() > 10


def test_background_never_pushes_an_unsearched_class_down():
    logits = torch.randn(200, CLASSES + 1, generator=seeded(2), requires_grad=True)
    losses_of(logits, [0] * 200, frozenset({1, 3}))["loss_box_class"].total.backward()
    assert (logits.grad[:, 2] <= 0).all() and (logits.grad[:, [1, 3]] > 0).all()


def test_a_labelled_object_of_an_unsearched_class_is_an_object_all_the_same():
    logits = torch.randn(1, CLASSES + 1, generator=seeded(3))
    found, plain = (losses_of(logits, [2], exhaustive)["loss_box_class"].total for exhaustive in (frozenset({1}), None))
    torch.testing.assert_close(found, plain)


def test_objects_of_no_class_teach_no_class_and_only_boxes_that_all_classes_share():
    logits = torch.randn(3, CLASSES + 1, generator=seeded(1))
    shared = torch.randn(3, 1, 4, generator=seeded(2), requires_grad=True)
    other = losses_of(logits, [OTHER, 0, 0], None, deltas=shared)
    without = losses_of(logits[1:], [0, 0], None, deltas=shared[1:])
    torch.testing.assert_close(other["loss_box_class"].total, without["loss_box_class"].total)
    other["loss_box"].total.backward()
    assert (shared.grad[0] != 0).all() and (shared.grad[1:] == 0).all()
    own = torch.randn(3, CLASSES, 4, generator=seeded(2))
    assert losses_of(logits, [OTHER, 0, 0], None, deltas=own)["loss_box"].total.item() == 0


@pytest.mark.parametrize("columns, counted", [(1, 2), (CLASSES, 1)])
def test_objects_of_no_class_teach_masks_that_all_classes_share(columns, counted):
    logits = torch.randn(2, columns, 4, 4, generator=seeded(5))
    targets, there = torch.rand(2, 4, 4, generator=seeded(6)), torch.tensor([True, True])
    assert mask_loss(logits, torch.tensor([OTHER, 2]), targets, there)["loss_mask"].count == counted * 16


@NDIMS
def test_an_anchor_that_may_be_an_unlabelled_object_is_no_negative(ndim):
    anchors = inner_boxes(50, (30,) * ndim, seed=1)
    maybe_unlabelled = torch.arange(50) % 2 == 0
    nothing = Instances(torch.zeros(0, 2 * ndim))
    config = LossConfig(rpn_samples=50)
    plain, careful = (
        sample_anchors(anchors, nothing, config, torch.Generator(), own) for own in (None, maybe_unlabelled)
    )
    assert plain.negative.tolist() == list(range(50))
    assert careful.negative.tolist() == list(range(1, 50, 2))


def test_the_objective_spares_what_the_rpn_is_sure_of_only_where_labels_are_partial():
    model = tiny_model()
    with torch.no_grad():
        model.rpn.logits.bias += 5.0  # sure of every anchor
    images = ImageBatch(torch.randn(1, 3, 64, 64, generator=seeded(1)), [(64, 64)])
    nothing = [Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))]
    counts = [
        Objective(model)(images, nothing, [0], [exhaustive])["loss_rpn_objectness"].count
        for exhaustive in (None, frozenset({1, 2}), frozenset({1}), frozenset())
    ]
    assert counts[0] == counts[1] > 0 and counts[2] == counts[3] == 0
