"""Seconds that group norm takes channels last, forward and back: torch's own layer and ours.

OMP_NUM_THREADS=1 python benchmarks/group_norm.py
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from maskrcnn.models.nd import norm
from maskrcnn.ops.nd import channels_last

SHAPES = ((8, 64, 192, 192), (8, 64, 96, 96), (2, 16, 48, 48, 48), (2, 48, 24, 24, 24))
TIMES = 4  # of which the shortest counts


def seconds(layer: nn.Module, x: Tensor) -> float:
    """The shortest of a few passes forward and back."""
    given, gradient, took = x.requires_grad_(), channels_last(torch.randn_like(x)), []
    for _ in range(TIMES):
        begun = time.perf_counter()
        layer(given).backward(gradient)
        took.append(time.perf_counter() - begun)
    return min(took)


def main() -> None:
    print(f"{'shape':<26}{'type':<16}{'torch s':>9}{'ours s':>9}{'times':>7}")
    for shape in SHAPES:
        for dtype in (torch.float32, torch.bfloat16):
            x = channels_last(torch.randn(shape, dtype=dtype))
            ours = norm("group", len(shape) - 2, shape[1], 1e-5)
            assert isinstance(ours, nn.GroupNorm)
            own = nn.GroupNorm(ours.num_groups, shape[1])
            a, b = seconds(own, x.clone()), seconds(ours, x.clone())
            print(f"{shape!s:<26}{str(dtype)[6:]:<16}{a:9.4f}{b:9.4f}{a / b:7.1f}")


if __name__ == "__main__":
    main()
