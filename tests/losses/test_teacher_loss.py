"""What a teacher says of a place pulls the box head's odds there, and nowhere else."""

import math

import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.sampling import SampledProposals
from maskrcnn.losses.teacher import BETA, MOST, SAME_PLACE, Teacher, teacher_loss
from maskrcnn.structures import ImageBatch, Instances
from tiny import tiny_model

CLASSES = 3


def case(ndim):
    """Two images; half of the proposals lie where the teacher looks."""
    counts, samples, boxes = (6, 4), [], []
    for k, count in enumerate(counts):
        proposals = inner_boxes(count, (30,) * ndim, seed=k)
        samples.append(SampledProposals(proposals, torch.zeros(count, dtype=torch.long), torch.zeros(0).long()))
        boxes.append(torch.cat([proposals[: count // 2] + 0.01, inner_boxes(7, (9,) * ndim, seed=9)])[:8])
    teacher_boxes = torch.stack([torch.cat([b, inner_boxes(8 - len(b), (9,) * ndim, seed=5)]) for b in boxes])
    logits = 6 * torch.randn(2, 8, CLASSES, generator=seeded(3))
    return torch.randn(sum(counts), CLASSES + 1, generator=seeded(4)), samples, teacher_boxes, logits


@NDIMS
def test_the_loss_is_the_naive_sum(ndim):
    class_logits, samples, boxes, logits = case(ndim)
    total, count, row = 0.0, 0, 0
    for image, image_boxes, image_logits in zip(samples, boxes.tolist(), logits.tolist()):
        for proposal in image.boxes.tolist():
            overlaps = [naive.iou(proposal, box) for box in image_boxes]
            best = overlaps.index(max(overlaps))
            if overlaps[best] >= SAME_PLACE:
                count += 1
                odds = [value - class_logits[row, 0].item() for value in class_logits[row, 1:].tolist()]
                expected = [min(max(value, -MOST), MOST) for value in image_logits[best]]
                total += naive.smooth_l1(odds, expected, BETA) / CLASSES
                for own, wanted in zip(odds, expected):
                    p, q = 1 / (1 + math.exp(-wanted)), 1 / (1 + math.exp(-own))
                    total -= p * math.log(q) + (1 - p) * math.log(1 - q)
            row += 1
    assert 2 <= count < row
    found = teacher_loss(class_logits, samples, boxes, logits)["loss_teacher"]
    assert found.count == count
    assert found.total.item() == pytest.approx(total, rel=1e-4)


def test_where_the_teacher_does_not_look_nothing_is_learned():
    class_logits, samples, boxes, logits = case(2)
    class_logits.requires_grad_()
    found = teacher_loss(class_logits, samples, boxes + 1000, logits)["loss_teacher"]
    found.mean().backward()
    assert found.count == 0 and not class_logits.grad.any()


class Parrot(Teacher):
    """Says the same of four places in every image."""

    def __call__(self, images):
        boxes = torch.tensor([[0.0, 0, 32, 32], [32.0, 0, 64, 32], [0.0, 32, 32, 64], [8.0, 8, 56, 56]])
        logits = torch.tensor([[4.0, -4], [-4.0, 4], [-4.0, -4], [4.0, -4]])
        return boxes.expand(len(images.tensor), -1, -1), logits.expand(len(images.tensor), -1, -1)


def test_the_objective_asks_its_teacher():
    model = tiny_model()
    objective = Objective(model, Parrot())
    images = ImageBatch(torch.randn(2, 3, 64, 64, generator=seeded(1)), [(64, 64)] * 2)
    boxes = torch.tensor([[0.0, 0, 32, 32], [32.0, 0, 64, 32]])
    targets = [Instances(boxes, torch.tensor([1, 2]))] * 2  # a labelled box is a proposal too
    losses = objective(images, targets, [0, 1])
    assert set(losses) == set(objective.names()) and "loss_teacher" in losses
    assert losses["loss_teacher"].count >= 4 and losses["loss_teacher"].total > 0
    assert "loss_teacher" not in Objective(model)(images, targets, [0, 1])
