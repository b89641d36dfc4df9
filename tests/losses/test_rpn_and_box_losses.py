"""The losses of the RPN and of the box head against naive sums."""

import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import LossConfig
from maskrcnn.losses.box import box_losses
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledAnchors, SampledProposals
from maskrcnn.structures import Instances

CONFIG = LossConfig(rpn_smooth_l1_beta=0.2, box_smooth_l1_beta=0.5)
IMAGES, ANCHORS, CLASSES = 2, 12, 3


def rpn_case(ndim):
    logits = torch.randn(IMAGES, ANCHORS, generator=seeded(1))
    deltas = torch.randn(IMAGES, ANCHORS, 2 * ndim, generator=seeded(2))
    anchors = inner_boxes(ANCHORS, (30,) * ndim)
    positives = [torch.tensor([2, 5, 7]), torch.tensor([], dtype=torch.long)]
    negatives = [torch.tensor([0, 11]), torch.tensor([1, 3, 4, 9])]
    sampled = [SampledAnchors(p, n, inner_boxes(len(p), (30,) * ndim, seed=5)) for p, n in zip(positives, negatives)]
    return logits, deltas, anchors, sampled


@NDIMS
def test_rpn_losses_are_naive_sums(ndim):
    logits, deltas, anchors, sampled = rpn_case(ndim)
    objectness = box = 0.0
    for image, (positive, negative, boxes, _) in enumerate(sampled):
        for index in positive.tolist():
            objectness += naive.binary_cross_entropy(logits[image, index].item(), 1)
        for index in negative.tolist():
            objectness += naive.binary_cross_entropy(logits[image, index].item(), 0)
        for index, wanted in zip(positive.tolist(), boxes.tolist()):
            encoded = naive.encode(wanted, anchors[index].tolist(), [1.0] * 2 * ndim)
            box += naive.smooth_l1(deltas[image, index].tolist(), encoded, 0.2)
    losses = rpn_losses(logits, deltas, anchors, sampled, CONFIG)
    assert losses["loss_rpn_objectness"].total.item() == pytest.approx(objectness, rel=1e-5)
    assert losses["loss_rpn_box"].total.item() == pytest.approx(box, rel=1e-5)
    assert {name: term.count for name, term in losses.items()} == {"loss_rpn_objectness": 9, "loss_rpn_box": 9}


def box_case(ndim, class_agnostic=False):
    counts, positives = (5, 3), ([2, 0], [])
    targets = [Instances(inner_boxes(3, (30,) * ndim, seed=7)), Instances(torch.zeros(0, 2 * ndim))]
    labels = [[3, 1, 0, 0, 0], [0, 0, 0]]
    sampled = [
        SampledProposals(
            inner_boxes(count, (30,) * ndim, seed=count), torch.tensor(own), torch.tensor(matched, dtype=torch.long)
        )
        for count, own, matched in zip(counts, labels, positives)
    ]
    logits = torch.randn(8, CLASSES + 1, generator=seeded(1))
    deltas = torch.randn(8, 1 if class_agnostic else CLASSES, 2 * ndim, generator=seeded(2))
    return logits, deltas, sampled, targets


@NDIMS
@pytest.mark.parametrize("class_agnostic", [False, True], ids=["by class", "class-agnostic"])
def test_box_losses_are_naive_sums(ndim, class_agnostic):
    logits, deltas, sampled, targets = box_case(ndim, class_agnostic)
    class_loss = box_loss = 0.0
    row = 0
    for image, target in zip(sampled, targets):
        for k, (proposal, label) in enumerate(zip(image.boxes.tolist(), image.labels.tolist())):
            class_loss += naive.cross_entropy(logits[row].tolist(), label)
            if label > 0:
                wanted = target.boxes[image.matched[k]].tolist()
                encoded = naive.encode(wanted, proposal, [10.0] * ndim + [5.0] * ndim)
                own = deltas[row, 0 if class_agnostic else label - 1].tolist()
                box_loss += naive.smooth_l1(own, encoded, 0.5)
            row += 1
    losses = box_losses(logits, deltas, sampled, targets, CONFIG)
    assert losses["loss_box_class"].total.item() == pytest.approx(class_loss, rel=1e-5)
    assert losses["loss_box"].total.item() == pytest.approx(box_loss, rel=1e-5)
    assert {name: term.count for name, term in losses.items()} == {"loss_box_class": 8, "loss_box": 8}


@NDIMS
def test_only_the_deltas_of_the_true_class_learn(ndim):
    logits, deltas, sampled, targets = box_case(ndim)
    box_losses(logits, deltas.requires_grad_(), sampled, targets, CONFIG)["loss_box"].total.backward()
    touched = {tuple(index) for index in deltas.grad.any(-1).nonzero().tolist()}
    assert touched == {(0, 2), (1, 0)}


@NDIMS
def test_nothing_sampled_costs_nothing(ndim):
    none = torch.zeros(0, dtype=torch.long)
    anchors = [SampledAnchors(none, none, torch.zeros(0, 2 * ndim))]
    proposals = [SampledProposals(torch.zeros(0, 2 * ndim), none, none)]
    losses = rpn_losses(torch.zeros(1, 3), torch.zeros(1, 3, 2 * ndim), inner_boxes(3, (9,) * ndim), anchors, CONFIG)
    losses |= box_losses(
        torch.zeros(0, 3), torch.zeros(0, 2, 2 * ndim), proposals, [Instances(torch.zeros(0, 2 * ndim))], CONFIG
    )
    assert {(term.total.item(), term.count) for term in losses.values()} == {(0.0, 0)}
