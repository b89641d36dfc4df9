"""The learning-rate schedule, and the moving average of the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SCHEDULES = ("cosine", "step", "constant")
STEPS_DOWN = (2 / 3, 8 / 9)


def learning_rate_factor(step: float, steps: int, warmup: int, schedule: str = "cosine", final: float = 0.01) -> float:
    """The learning rate as a part of its highest: linear from near 0 over the warm-up, then as the
    schedule says.

    Args:
        step: the place on the schedule.
        steps: how many there are.
        warmup: steps.
        schedule: ``cosine``, half of one down to ``final`` at ``steps``; ``step``, a tenth after
            2/3 and a hundredth after 8/9 of the steps (as the paper's 60,000 and 80,000 of 90,000);
            or ``constant``.
        final: what cosine ends at.

    Returns:
        0..1.

    Raises:
        ValueError: another schedule.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"unknown schedule {schedule!r}: {', '.join(SCHEDULES)}")
    if step < warmup:
        return min((step + 1) / warmup, 1.0)
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return 0.1 ** sum(step >= part * steps for part in STEPS_DOWN)
    done = (step - warmup) / max(steps - warmup, 1)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


class MovingAverage:
    """Exponential moving average of a model's floating-point state, started gently so that short runs profit too.

    Attributes:
        state: the averages under the model's names.
        steps: updates so far.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move towards the model's present weights."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def load(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from a saved average."""
        for name, value in self.state.items():
            value.copy_(state[name])
        self.steps = steps
