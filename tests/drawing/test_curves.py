from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskrcnn.drawing.training_curves import SIZE, _running_mean, _ticks, draw_curves


def log_of(steps: int) -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        log.append({"step": step, "epoch": step // 50, "loss": 3 / step, "loss_box": 1 / step, "loss_mask": 2 / step})
        if step % 50 == 0:
            log.append({"step": step, "epoch": step // 50, "val/loss": 4 / step, "box/AP": 0.4, "mask/AP": None})
    return log


@pytest.mark.parametrize("steps", [0, 1, 10, 200])
def test_any_length_is_drawn(steps: int) -> None:
    picture = np.asarray(draw_curves(log_of(steps)))
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert (picture < 200).any()


def test_values_that_are_not_finite_change_nothing() -> None:
    log = log_of(120)
    broken = [*log, {"step": 60, "loss": float("nan")}, {"step": 61, "loss": float("inf")}, {"note": "stopped"}]
    np.testing.assert_array_equal(np.asarray(draw_curves(broken)), np.asarray(draw_curves(log)))


def test_one_measurement_of_zero_is_drawn() -> None:
    draw_curves([{"step": 1, "epoch": 0, "box/AP": 0.0, "val/loss": 0.0}])


@pytest.mark.parametrize(("top", "expected"), [(1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (7.3, [0, 2, 4, 6, 8])])
def test_ticks_are_round(top: float, expected: list[float]) -> None:
    assert _ticks(top, 5) == pytest.approx(expected)


@pytest.mark.parametrize("top", [0.0, 0.013, 0.41, 3.0, 999, 1000, 123456])
def test_ticks_hold_the_data_and_are_few(top: float) -> None:
    ticks = _ticks(top, 5)
    assert ticks[0] == 0 and ticks[-1] >= top * (1 - 1e-9) and 2 <= len(ticks) <= 6
    assert all(tick == round(tick) for tick in _ticks(top, 5, smallest=1.0))


def test_running_mean_keeps_the_level() -> None:
    np.testing.assert_allclose(_running_mean(np.full(9, 3.0), 2), 3.0)
    np.testing.assert_allclose(_running_mean(np.array([0.0, 3.0, 6.0]), 1), [1.5, 3.0, 4.5])
