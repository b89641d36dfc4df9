"""The machine that trains: its cores, its memory, and whether it multiplies bfloat16 itself."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from maskrcnn.memory import free_memory

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})  # of processors that multiply bfloat16 themselves


@dataclass(frozen=True)
class Machine:
    """Where a training runs.

    Attributes:
        device: cpu, cuda or mps.
        cores: threads that torch works with.
        memory: bytes that are free, of the device's own memory where it has some.
        bf16: whether it multiplies bfloat16 faster than float32.
        processes: that train together.
    """

    device: str = "cpu"
    cores: int = 2
    memory: int = 8 * 2**30
    bf16: bool = False
    processes: int = 1


def this_machine(device: str = "cpu") -> Machine:
    """The machine that this program runs on."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return Machine(device, torch.get_num_threads(), free, torch.cuda.is_bf16_supported(), processes)
    knows_bf16 = device == "cpu" and bool(BF16_FLAGS & processor_flags())
    return Machine(device, torch.get_num_threads(), free_memory(), knows_bf16, processes)


def processor_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the processor says it can do; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()
