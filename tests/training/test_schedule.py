"""The learning rate rises, then falls along half a cosine; the average follows the weights at its own pace."""

import pytest
import torch
from torch import nn

from maskrcnn.training.schedule import MovingAverage, learning_rate_factor


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (60, 0.505), (110, 0.01), (111, 0.01), (10_000, 0.01)],
)
def test_factor_with_a_warmup_of_10_of_110_steps(step, expected):
    assert learning_rate_factor(step, 110, 10) == pytest.approx(expected)


def test_without_warmup_the_first_step_has_the_full_rate():
    assert learning_rate_factor(0, 100, 0) == 1.0


def test_the_factor_never_rises_after_the_warmup():
    factors = [learning_rate_factor(step, 200, 20) for step in range(20, 201)]
    assert factors == sorted(factors, reverse=True)


def test_a_training_of_one_step_has_a_rate():
    assert 0 < learning_rate_factor(0, 1, 1) <= 1


def one_weight(value):
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def test_the_average_begins_at_the_weights_themselves():
    assert MovingAverage(one_weight(3.0), 0.9).state["weight"].item() == 3.0


def test_the_first_updates_move_the_average_fast():
    average = MovingAverage(one_weight(0.0), 0.998)
    average.update(one_weight(11.0))  # decay 1 / 11
    assert average.state["weight"].item() == pytest.approx(10.0)
    average.update(one_weight(10.0))
    assert average.state["weight"].item() == pytest.approx(10.0)


def test_later_updates_move_the_average_by_the_decay():
    average = MovingAverage(one_weight(0.0), 0.9)
    average.steps = 1000
    average.update(one_weight(1.0))
    assert average.state["weight"].item() == pytest.approx(0.1)


def test_the_average_is_a_copy():
    layer = one_weight(1.0)
    average = MovingAverage(layer, 0.9)
    nn.init.constant_(layer.weight, 5.0)
    assert average.state["weight"].item() == 1.0


def test_whole_numbers_are_copied_and_not_averaged():
    norm = nn.BatchNorm1d(2)
    average = MovingAverage(norm, 0.9)
    norm(torch.randn(4, 2))
    average.update(norm)
    assert average.state["num_batches_tracked"].item() == 1


def test_a_loaded_average_goes_on_like_the_one_that_was_saved():
    first, second = MovingAverage(one_weight(0.0), 0.9), MovingAverage(one_weight(7.0), 0.9)
    first.update(one_weight(1.0))
    second.load({name: value.clone() for name, value in first.state.items()}, first.steps)
    for average in (first, second):
        average.update(one_weight(4.0))
    assert (second.steps, second.state) == (first.steps, first.state)
