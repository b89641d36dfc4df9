"""A loss is a sum and a count, so that parts add up to the whole."""

import pytest
import torch

import naive
from cases import DTYPES, seeded
from maskrcnn.losses.terms import Term, add_terms, smooth_l1


def test_a_mean_is_the_sum_over_the_count():
    assert Term(torch.tensor(6.0), 4).mean().item() == 1.5
    assert Term(torch.tensor(6.0), 4).mean(12).item() == 0.5


def test_a_mean_of_nothing_is_0():
    assert Term(torch.tensor(0.0), 0).mean().item() == 0


def test_terms_are_added_by_name():
    first = {"a": Term(torch.tensor(1.0), 2), "b": Term(torch.tensor(5.0), 1)}
    second = {"a": Term(torch.tensor(3.0), 6), "c": Term(torch.tensor(7.0), 4)}
    added = add_terms([first, second])
    assert {name: (term.total.item(), term.count) for name, term in added.items()} == {
        "a": (4.0, 8),
        "b": (5.0, 1),
        "c": (7.0, 4),
    }


@DTYPES
@pytest.mark.parametrize("beta", [0.0, 1 / 9, 1.0])
def test_smooth_l1_is_that_of_the_twin(dtype, beta):
    prediction, target = torch.randn(2, 40, generator=seeded(), dtype=torch.float64).to(dtype)
    assert ((prediction - target).abs() < 1).any()
    expected = naive.smooth_l1(prediction.tolist(), target.tolist(), beta)
    assert smooth_l1(prediction, target, beta).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_smooth_l1_of_nothing_is_0(beta):
    assert smooth_l1(torch.zeros(0, 4), torch.zeros(0, 4), beta).item() == 0


def test_the_gradient_of_smooth_l1():
    inputs = [values.requires_grad_() for values in torch.randn(2, 12, generator=seeded(), dtype=torch.float64)]
    assert torch.autograd.gradcheck(lambda a, b: smooth_l1(a, b, 0.5), inputs)
