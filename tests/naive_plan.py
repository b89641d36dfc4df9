"""The slow, obvious twin of the plan's arithmetic."""

from __future__ import annotations

import numpy as np
import torch

from maskrcnn.ops.boxes import pairwise_iou


def slow_coverage(boxes: np.ndarray, smallest: float, ratio: float) -> tuple[float, float]:
    """For each box, every anchor, one at a time, a quarter of its stride away."""
    best = []
    for width, height in boxes:
        mine = torch.tensor([[-width / 2, -height / 2, width / 2, height / 2]])
        found = 0.0
        for level in range(5):
            away = 4 * 2**level / 4
            for shape in (ratio, 1.0, 1 / ratio):
                w, h = smallest * 2**level * shape**0.5, smallest * 2**level / shape**0.5
                anchor = torch.tensor([[away - w / 2, away - h / 2, away + w / 2, away + h / 2]], dtype=torch.float64)
                found = max(found, pairwise_iou(mine.double(), anchor).item())
        best.append(found)
    return float(np.mean([b >= 0.5 for b in best])), float(np.mean(best))
