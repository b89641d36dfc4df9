"""Memory that a long prediction has freed goes back to the system before it is in pieces."""

from __future__ import annotations

import ctypes
import sys


def return_freed_memory() -> bool:
    """Ask the C library to return what is freed, wherever it lies; whether it could be asked (glibc only).

    What a tile leaves behind is small and lies between the large blocks that the next tile asks for again, in other
    sizes, so the heap grows with every tile: to 5 GiB for a scan of 512 x 512 x 300 voxels that needs less than 2.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False
