"""Keeps freed memory for the next step instead of giving it back to the system (glibc)."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
MANY = 2**31 - 1
AHEAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Ask the C library to keep what is freed; whether it could be asked (glibc only).

    A training step frees its activations and asks for the same again. By default glibc returns such large blocks to
    the system, which then clears every page anew: millions of page faults an epoch, a tenth of the time and more.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, MANY), (M_TOP_PAD, AHEAD))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
