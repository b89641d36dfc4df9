"""Multiply-adds of a training step, counted call by call, and how fast this machine multiplies matrices.

Together they are the floor of a step: what it would take if every convolution and linear layer ran as fast as a large
matrix product, and everything else took no time.
"""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

CONVS = {torch.conv1d, torch.conv2d, torch.conv3d}
TRANSPOSED = {torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}


class CountOperations(TorchFunctionMode):
    """Within the block, `count` grows by the multiply-adds of each convolution and linear layer: once forward, once
    more for the gradient of its input, and once more for that of its weights, where they are asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in CONVS or function in TRANSPOSED or function is F.linear:
            x, weight = args[0], args[1] if len(args) > 1 else (kwargs or {})["weight"]
            walks = (
                1 + (torch.is_grad_enabled() and x.requires_grad) + (torch.is_grad_enabled() and weight.requires_grad)
            )
            self.count += walks * multiply_adds(function, x, weight, result)
        return result


def multiply_adds(function: Any, x: Tensor, weight: Tensor, result: Tensor) -> int:
    """Of one call: each element of the output (of the input, if transposed) meets one filter."""
    if function in TRANSPOSED:
        return x.numel() * weight[0].numel()
    return result.numel() * weight[0].numel()


def multiply_adds_per_second(dtype: torch.dtype, size: int = 2048, repeats: int = 4) -> float:
    """The best of a few products of two matrices of `size`, with the threads that torch has."""
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    best = float("inf")
    for _ in range(repeats + 1):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return size**3 / best
