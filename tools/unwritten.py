"""Layers whose gradients in half precision hold memory that nobody wrote.

    python tools/unwritten.py [--all]

Sweeps convolutions (whole, grouped, depthwise, transposed) over kernels, strides, small grids and memory orders, with
every block that the C library hands out filled with NaN, and compares bfloat16 with float32. Prints how many of those
are wrong which `models/nd.py` leaves in half precision, and exits with 1 if there are any. `--all` also tries those
that it computes in full precision, kind by kind in processes of their own: some of them corrupt memory and die.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.models.convolution import needs_full_precision
from maskrcnn.ops.nd import FUNCTIONAL_CONV

M_PERTURB, NAN_BYTES = -6, 256  # mallopt(3): what is handed out is filled with the complement of the lowest byte, 0xff
TRANSPOSED: dict[int, Callable[..., Tensor]] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
KINDS = {  # channels in, channels out, groups
    "whole": ((3, 16, 1), (16, 16, 1), (40, 24, 1)),
    "grouped": ((32, 32, 4),),
    "depthwise": ((16, 16, 16), (24, 24, 24)),
    "transposed": ((16, 16, 1), (24, 40, 1)),
}
SIZES = {1: (1, 2, 3, 4, 5, 7, 8, 9, 16, 33), 2: (1, 2, 3, 4, 5, 7, 8, 16), 3: (1, 2, 3, 4, 6)}
KERNELS = {1: (1, 3, 5, 7, 9), 2: (1, 3, 5, 7), 3: (1, 3, 5)}
STRIDES = {
    1: ((1,), (2,), (4,)),
    2: ((1, 1), (2, 2), (1, 2), (2, 1), (4, 4)),
    3: ((1, 1, 1), (2, 2, 2), (1, 2, 2), (2, 1, 1)),
}
ORDERS = {1: (None,), 2: (None, torch.channels_last), 3: (None, torch.channels_last_3d)}
TOLERANCE = 0.05  # of the largest value: eight bits are right to a part in 256


@dataclass(frozen=True)
class Layer:
    """A convolution and the grid that it works on."""

    kind: str
    kernel: int
    stride: tuple[int, ...]
    padding: int
    channels: tuple[int, int, int]
    grid: tuple[int, ...]
    order: torch.memory_format | None

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Input, weight and bias."""
        wide, into, groups = self.channels
        pair = (wide, into) if self.kind == "transposed" else (into, wide // groups)
        x, weight = torch.randn(2, wide, *self.grid), 0.1 * torch.randn(*pair, *(self.kernel,) * len(self.grid))
        return x if self.order is None else x.to(memory_format=self.order), weight, torch.randn(into)

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        table = TRANSPOSED if self.kind == "transposed" else FUNCTIONAL_CONV
        return table[len(self.grid)](x, weight, bias, self.stride, self.padding, groups=self.channels[2])


def layers(ndim: int, kind: str) -> Iterator[Layer]:
    """All that are tried."""
    grids = itertools.product(SIZES[ndim], repeat=ndim)
    for grid, stride, order, channels in itertools.product(grids, STRIDES[ndim], ORDERS[ndim], KINDS[kind]):
        if kind == "transposed":
            if stride == (2,) * ndim:  # as mask and keypoint heads have them
                yield Layer(kind, 2, stride, 0, channels, grid, order)
                yield Layer(kind, 4, stride, 1, channels, grid, order)
            continue
        for kernel in KERNELS[ndim]:
            for padding in sorted({0, kernel // 2}):
                if min(grid) + 2 * padding >= kernel:
                    yield Layer(kind, kernel, stride, padding, channels, grid, order)


def faults(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor) -> list[str]:
    """Which of its output and gradients are wrong in half precision."""
    exact, half = (outcome(layer, x, weight, bias, dtype) for dtype in (None, torch.bfloat16))
    names = ("output", "gradient of x", "gradient of weight", "gradient of bias")
    return [name for name, right, found in zip(names, exact, half) if not close(found, right)]


def outcome(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype | None) -> list[Tensor]:
    """Output and gradients."""
    leaves = [tensor.detach().requires_grad_() for tensor in (x, weight, bias)]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
        y = layer(*leaves)
    y.backward(torch.linspace(-1, 1, y.numel()).view(y.shape).to(y.dtype))
    return [y.detach().float(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def close(found: Tensor, right: Tensor) -> bool:
    """NaN is not."""
    return bool((found - right).abs().max() <= TOLERANCE * right.abs().max() + 1e-3)


def sweep(ndim: int, kind: str, everything: bool) -> int:
    """Print the faults of one kind; how many layers have one."""
    torch.manual_seed(0)
    found: Counter[tuple[object, ...]] = Counter()
    tried = left = 0
    for layer in layers(ndim, kind):
        x, weight, bias = layer.tensors()
        with torch.autocast("cpu", torch.bfloat16):
            exact = needs_full_precision(x, weight, layer.stride)
        if exact and not everything:
            left += 1
            continue
        tried += 1
        wrong = faults(layer, x, weight, bias)
        if wrong:
            found[(*wrong, "kernel", layer.kernel, "stride", *layer.stride, "full precision" if exact else "HALF")] += 1
    for words, count in found.items():
        print("   ", *words, f"({count})")
    print(f"{ndim}-D {kind}: {sum(found.values())} of {tried} are wrong; {left} are left to full precision", flush=True)
    return sum(found.values())


def main() -> int:
    """Each kind in a process of its own."""
    print(f"torch {torch.__version__}", *(line for line in torch.__config__.show().splitlines() if "DNN v" in line))
    wrong = 0
    environment = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    for ndim, kind in itertools.product(SIZES, KINDS):
        command = [sys.executable, __file__, str(ndim), kind, *sys.argv[1:]]
        code = subprocess.run(command, env=environment, check=False).returncode
        if code < 0:
            print(f"{ndim}-D {kind}: the process died of signal {-code}")
        wrong += code != 0
    return int(wrong > 0)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        ctypes.CDLL(None).mallopt(M_PERTURB, NAN_BYTES)
        sys.exit(int(sweep(int(sys.argv[1]), sys.argv[2], "--all" in sys.argv) > 0))
    sys.exit(main())
