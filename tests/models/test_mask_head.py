"""The mask head: one mask a class, or one for all, and each detection gets that of its own class."""

import pytest
import torch

from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import MaskHeadConfig, PoolConfig
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.structures import Instances

CLASSES = 3


def make_head(ndim, class_agnostic=False, channels=4):
    config = MaskHeadConfig(PoolConfig(3), channels=channels, convs=2, class_agnostic=class_agnostic)
    return MaskHead(ndim, 4, CLASSES, config, [(4,) * ndim, (8,) * ndim])


@NDIMS
@pytest.mark.parametrize("class_agnostic, masks_each", [(False, CLASSES), (True, 1)])
def test_masks_are_twice_as_fine_as_the_pooled_bins(ndim, class_agnostic, masks_each):
    head = make_head(ndim, class_agnostic)
    features = [torch.randn(2, 4, *(8,) * ndim, generator=seeded())]
    assert head.output_size == (6,) * ndim
    for counts in ((3, 2), (0, 2), (0, 0)):
        logits = head(features, [inner_boxes(count, (32,) * ndim) for count in counts])
        assert logits.shape == (sum(counts), masks_each, *(6,) * ndim)


@NDIMS
def test_no_boxes_leave_every_weight_a_gradient_of_zero(ndim):
    """So that a batch without objects is an ordinary one, on several ranks as well."""
    head = make_head(ndim)
    features = torch.randn(1, 4, *(8,) * ndim, generator=seeded()).requires_grad_()
    head([features], [torch.zeros(0, 2 * ndim)]).sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in (*head.parameters(), features))


@NDIMS
def test_masks_begin_with_weights_of_both_signs(ndim):
    """Else what is outside, most of a box, pulls all weights below 0, and inside nothing speaks for the object."""
    torch.manual_seed(0)
    logits = make_head(ndim, channels=64).logits
    weight = logits.weight.detach()
    assert 0.3 < (weight > 0).float().mean() < 0.7 and weight.abs().mean() > 0.5 * 64**-0.5
    assert not logits.bias.any()


@NDIMS
def test_a_detection_gets_the_mask_of_its_own_class(ndim):
    """Mask k of detection n is filled with 10 n + k."""
    logits = (10 * torch.arange(4)[:, None] + torch.arange(1, 1 + CLASSES)).reshape(4, CLASSES, *(1,) * ndim)
    labels = [torch.tensor([3, 1]), torch.tensor([], dtype=torch.long), torch.tensor([2, 2])]
    detections = [Instances(torch.zeros(len(own), 2 * ndim), labels=own) for own in labels]
    make_head(ndim).attach(logits, detections)
    assert [found.mask_logits.flatten().tolist() for found in detections] == [[3, 11], [], [22, 32]]


@NDIMS
def test_a_class_agnostic_mask_belongs_to_any_class(ndim):
    logits = torch.arange(2).reshape(2, 1, *(1,) * ndim)
    found = Instances(torch.zeros(2, 2 * ndim), labels=torch.tensor([3, 1]))
    make_head(ndim, class_agnostic=True).attach(logits, [found])
    assert found.mask_logits.flatten().tolist() == [0, 1]
