"""One side of one case in a process of its own: ``worker.py CASE ours|theirs RESULT.npz``.

Prepares, says so, and then runs once for each line that it reads, printing the seconds and, in MB, by how much the
process's memory rose at its peak. What the first run found goes to RESULT.npz.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

from cases import all_cases


def peak_megabytes(of_children: bool) -> float:
    """Of this process since :func:`forget_peak`, or of the largest of its children."""
    if of_children:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> None:
    """Let the peak begin anew, where the kernel can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    name, side, result = sys.argv[1:]
    torch.manual_seed(0)
    case = all_cases()[name]
    prepare = case.ours if side == "ours" else case.theirs
    assert prepare is not None
    work = prepare()
    forget_peak()
    before = 0.0 if case.in_children else peak_megabytes(False)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for turn, _ in enumerate(sys.stdin):
        start, cpu = time.perf_counter(), os.times()
        found = work()
        seconds, after = time.perf_counter() - start, os.times()
        if turn == 0:
            np.savez(result, **found)
        used = sum(after[:4]) - sum(cpu[:4])
        print(
            json.dumps({"seconds": seconds, "cpu": used, "peak": peak_megabytes(case.in_children) - before}), flush=True
        )


if __name__ == "__main__":
    main()
