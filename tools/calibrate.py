"""How far a detector's scores can be trusted: which detections are right, and the score from which a class is.

The chance that a detection is right is modelled as `logit p = a + b * logit(score) + shift of its class`, with the
shifts drawn from a normal distribution, so a class with few detections keeps close to the pool of all classes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maskrcnn.ops.boxes import pairwise_coverage, pairwise_iou

WRONG, RIGHT, UNKNOWN = 0, 1, -1
IN_CROWD = 0.5  # part of a detection inside a crowd of its class from which it is neither right nor wrong
TINY = 1e-4  # scores are kept this far from 0 and 1


def judge(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    true_boxes: Tensor,
    true_labels: Tensor,
    crowd: Tensor,
    iou: float = 0.5,
) -> Tensor:
    """WRONG, RIGHT or UNKNOWN (in a crowd) for each of N detections of one photo, int64 `[N]`.

    Going down the scores, a detection is right if it overlaps an object of its class, not yet taken, by `iou`.

    Args:
        boxes: `[N, 4]`; scores, labels: `[N]`.
        true_boxes: `[M, 4]`; true_labels: `[M]`; crowd: bool `[M]`.
    """
    verdicts = torch.full((len(boxes),), WRONG)
    if len(true_boxes) == 0:
        return verdicts
    same = labels[:, None] == true_labels
    overlap = (pairwise_iou(boxes, true_boxes) * (same & ~crowd)).numpy()
    covered = ((pairwise_coverage(boxes, true_boxes) * (same & crowd)).amax(1) >= IN_CROWD).tolist()
    for n in scores.argsort(descending=True, stable=True).tolist():
        best = overlap[n].argmax()
        if overlap[n, best] >= iou:
            verdicts[n] = RIGHT
            overlap[:, best] = 0  # an object is found once
        elif covered[n]:
            verdicts[n] = UNKNOWN
    return verdicts


class Calibration(NamedTuple):
    """Chance that a detection is right: `sigmoid(intercept + slope * logit(score) + shifts[class])`."""

    intercept: float
    slope: float
    shifts: dict[int, float]  # by class; a class that is not in it has 0

    def chance(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Of scores and labels `[N]`: probabilities `[N]`."""
        shifts = scores.new_tensor([self.shifts.get(k, 0.0) for k in labels.tolist()])
        return (self.intercept + self.slope * _logit(scores) + shifts).sigmoid()

    def threshold(self, label: int, chance: float) -> float:
        """The score from which a detection of class `label` is right with probability `chance`."""
        wanted = np.log(chance / (1 - chance)) - self.intercept - self.shifts.get(label, 0.0)
        return float(1 / (1 + np.exp(-wanted / self.slope)))


def calibrate(scores: Tensor, labels: Tensor, right: Tensor, spread: float = 1.0) -> Calibration:
    """The most probable Calibration of N detections; scores, labels and right (bool) are `[N]`.

    Args:
        spread: standard deviation of the shifts of the classes, known beforehand; 0 pools all classes.
    """
    names, index = labels.unique(return_inverse=True)
    x, y = _logit(scores).double(), right.double()
    free = torch.zeros(2 + len(names), dtype=torch.float64)
    free[1] = 1.0
    free.requires_grad_()
    optimiser = torch.optim.LBFGS([free], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def loss() -> Tensor:
        """Minus the log posterior; shifts are `spread` times standard normal numbers."""
        optimiser.zero_grad()
        logits = free[0] + free[1] * x + spread * free[2:][index]
        value = F.binary_cross_entropy_with_logits(logits, y, reduction="sum") + free[2:].square().sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    intercept, slope, *shifts = free.detach().tolist()
    return Calibration(intercept, slope, {k: spread * s for k, s in zip(names.tolist(), shifts, strict=True)})


def log_loss(chance: Tensor, right: Tensor) -> float:
    """Mean surprise (nats) of N detections; what the spread is chosen by, on photos that were not calibrated on."""
    return float(F.binary_cross_entropy(chance.double(), right.double()))


def _logit(scores: Tensor) -> Tensor:
    clamped = scores.clamp(TINY, 1 - TINY)
    return clamped.log() - (-clamped).log1p()
