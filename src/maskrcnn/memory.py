"""How much memory there is."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

UNKNOWN_MEMORY = 4 * 2**30  # bytes that are counted on where the system does not say


def free_memory(meminfo: Path = Path("/proc/meminfo"), control_group: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a process may still take: what the system has free, or what is left of a container's limit."""
    free = _meminfo(meminfo)
    if free is None:
        try:
            free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        except (ValueError, OSError, AttributeError):
            free = UNKNOWN_MEMORY
    with contextlib.suppress(OSError, ValueError):  # "max", no number, is no limit
        limit = int((control_group / "memory.max").read_text())
        free = min(free, limit - int((control_group / "memory.current").read_text()))
    return max(free, 0)


def _meminfo(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in path.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
