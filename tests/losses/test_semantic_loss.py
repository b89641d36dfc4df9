"""The loss of the class of every sample, against its slow twin and in cases that can be reckoned by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import naive
from cases import NDIMS, as_array, seeded
from maskrcnn.config import SemanticLossConfig
from maskrcnn.losses.semantic import rows_of, semantic_loss, semantic_terms, term_names
from maskrcnn.structures import IGNORED, Instances

WEIGHTS = (0.5, 1.0, 2.0, 4.0)


def random_case(ndim, images=2, seed=0):
    shape = (5, 4, 3)[:ndim]
    logits = 2 * torch.randn(images, 4, *shape, generator=seeded(seed), dtype=torch.float64)
    rows = torch.randint(-1, 4, (images, *shape), generator=seeded(seed + 1))
    return logits, rows


@NDIMS
@pytest.mark.parametrize("hardest", [1.0, 0.3])
@pytest.mark.parametrize("unsearched", [None, [[2, 3], []]])
def test_the_loss_is_that_of_the_twin(ndim, hardest, unsearched):
    logits, rows = random_case(ndim)
    config = SemanticLossConfig(WEIGHTS, dice=0.7, hardest=hardest)
    terms = semantic_loss(logits, rows, config, unsearched)
    others = unsearched or [[], []]
    twins = [
        naive.semantic_losses(as_array(own), row.numpy(), WEIGHTS, hardest, other)
        for own, row, other in zip(logits, rows, others)
    ]
    assert terms["entropy"].total.item() == pytest.approx(sum(t[0] for t in twins))
    assert terms["entropy"].count == sum(t[1] for t in twins)
    assert terms["dice"].total.item() == pytest.approx(0.7 * sum(t[2] for t in twins))
    assert terms["dice"].count == sum(t[3] for t in twins)


def test_unlabelled_samples_teach_nothing():
    logits, rows = random_case(2)
    logits.requires_grad_()
    terms = semantic_loss(logits, rows, SemanticLossConfig(dice=1.0))
    sum(term.total for term in terms.values()).backward()
    ignored = (rows == IGNORED)[:, None].expand_as(logits)
    assert ignored.any() and logits.grad[ignored].abs().max() == 0 and logits.grad[~ignored].abs().min() > 0


def test_an_image_without_labels_counts_nothing_and_has_no_gradient_but_0():
    logits = torch.randn(1, 3, 4, 4, generator=seeded(), requires_grad=True)
    terms = semantic_loss(logits, torch.full((1, 4, 4), IGNORED), SemanticLossConfig(dice=1.0, hardest=0.5))
    assert {name: term.count for name, term in terms.items()} == {"entropy": 0, "dice": 0}
    sum(term.mean() for term in terms.values()).backward()
    assert logits.grad.abs().max() == 0


def test_a_sample_of_the_background_may_be_of_a_class_that_nobody_searched_for():
    """Background and the unsearched class at a third each: their sum is two thirds."""
    terms = semantic_loss(torch.zeros(1, 3, 1), torch.zeros(1, 1, dtype=torch.int64), SemanticLossConfig(), [[2]])
    assert terms["entropy"].total.item() == pytest.approx(-math.log(2 / 3))


@given(st.permutations(range(4)))
def test_the_loss_does_not_depend_on_the_order_of_the_classes(order):
    logits, rows = random_case(2)
    place = torch.tensor([order.index(k) for k in range(4)])
    moved = torch.where(rows == IGNORED, rows, place[rows.clamp(min=0)])
    config = SemanticLossConfig(WEIGHTS, dice=1.0)
    other = dataclasses.replace(config, class_weights=tuple(WEIGHTS[k] for k in order))
    a, b = semantic_loss(logits, rows, config), semantic_loss(logits[:, list(order)], moved, other)
    for name in a:
        assert a[name].total.item() == pytest.approx(b[name].total.item())


@given(st.floats(0.01, 1.0))
def test_the_hardest_samples_cost_at_least_the_mean(part):
    logits, rows = random_case(1)
    all_of_them = semantic_loss(logits, rows, SemanticLossConfig())["entropy"].mean()
    some = semantic_loss(logits, rows, SemanticLossConfig(hardest=part))["entropy"].mean()
    assert some >= all_of_them - 1e-9


def test_the_gradient_is_that_of_differences():
    logits, rows = random_case(1)
    config = SemanticLossConfig(WEIGHTS, dice=1.0)
    total = lambda x: sum(term.total for term in semantic_loss(x, rows, config, [[1], []]).values())  # noqa: E731
    assert torch.autograd.gradcheck(total, logits.requires_grad_())


@NDIMS
@pytest.mark.parametrize("stride", [1, 3])
def test_logits_are_compared_on_the_grid_that_the_stride_says(ndim, stride):
    shape = (6, 5, 4)[:ndim]
    logits = torch.randn(1, 3, *(3,) * ndim, generator=seeded())
    rows = torch.randint(-1, 3, (1, *shape), generator=seeded(1))
    config = SemanticLossConfig(stride=stride, deep=0.25)
    terms = semantic_terms([logits, logits], rows, config, None)
    thinned = rows[(slice(None), *(slice(stride // 2, None, stride),) * ndim)]
    fine = torch.from_numpy(naive.resample_linear(as_array(logits[0]), thinned.shape[1:]))
    expected, count, *_ = naive.semantic_losses(fine.numpy(), thinned[0].numpy(), (1.0,) * 3)
    assert terms["loss_semantic"].total.item() == pytest.approx(expected, rel=1e-5)
    assert terms["loss_semantic"].count == count
    assert terms["loss_semantic_deep"].total.item() == pytest.approx(0.25 * expected, rel=1e-5)
    assert tuple(terms) == term_names(config, deep=True)


@NDIMS
def test_targets_are_padded_with_what_counts_nowhere(ndim):
    shape = (3, 4, 5)[:ndim]
    labels = torch.randint(-1, 4, shape, generator=seeded()).to(torch.int16)
    targets = [Instances(torch.zeros(0, 2 * ndim), class_map=labels), Instances(torch.zeros(0, 2 * ndim))]
    padded = tuple(side + 2 for side in shape)
    rows = rows_of(targets, padded, 1)
    assert (rows[1] == IGNORED).all()
    for place in np.ndindex(*padded):
        inside = all(p < side for p, side in zip(place, shape))
        label = int(labels[place]) if inside else IGNORED
        assert rows[0][place] == (label - 1 if label >= 1 else IGNORED)
