"""Data-parallel training in several processes, as ``torchrun`` starts them; alone, every function does nothing.

Gradients are summed by hand after the backward pass instead of by ``DistributedDataParallel``: each loss is already
divided by the count of all processes, and a head that no proposal of one process reaches needs no special case.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

PATIENCE = timedelta(days=1)  # the others wait while the first process validates


def rank() -> int:
    """The number of this process, 0 for the one that writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextmanager
def joined(device: str) -> Iterator[str]:
    """Within the block this process belongs to the group that ``torchrun`` started; gives the process's own device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    on_gpu = device.startswith("cuda")
    if on_gpu and ":" not in device:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield device
    finally:
        dist.destroy_process_group()


def wait() -> None:
    """Until every process is here."""
    if dist.is_initialized():
        dist.barrier()


def from_first(value: float, device: str) -> float:
    """What ``value`` is in the first process."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=device)
    dist.broadcast(shared, 0)
    return shared.item()


def summed(values: Tensor) -> Tensor:
    """The sum of ``values`` over the processes, the same in each."""
    if dist.is_initialized():
        dist.all_reduce(values)
    return values


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum each gradient over the processes. A parameter that has none in any process stays without one, as alone."""
    if not dist.is_initialized():
        return
    learning = [p for p in parameters if p.requires_grad]
    device = learning[0].device
    used = summed(torch.tensor([float(p.grad is not None) for p in learning], device=device)).tolist()
    chosen = [p for p, processes in zip(learning, used) if processes]
    if not chosen:
        return
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in chosen])
    for p, part in zip(chosen, summed(flat).split([p.numel() for p in chosen])):
        p.grad = part.view_as(p).clone(memory_format=torch.preserve_format)
