"""The samples of all files side by side, in memory where they are small and in a file of their own where not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

IN_MEMORY = 1 << 30  # bytes of all samples; more lie in a temporary file
BLOCK = 1 << 26  # bytes of float64 that a block of samples takes


class Values:
    """float32 ``[n, V]``, filled file by file and then read in blocks of samples.

    Args:
        count: of files, n.
        size: of samples of each, V.
        folder: for the temporary file.
    """

    def __init__(self, count: int, size: int, folder: Path) -> None:
        self._file = None
        if 4 * count * size <= IN_MEMORY:
            self.array: np.ndarray = np.empty((count, size), dtype=np.float32)
        else:
            self._file = tempfile.NamedTemporaryFile(prefix=".samples-", dir=folder)  # noqa: SIM115 - closed on exit
            self.array = np.memmap(self._file, np.float32, "w+", shape=(count, size))

    def __enter__(self) -> Values:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.array = np.empty((0, 0), dtype=np.float32)
        if self._file is not None:
            self._file.close()

    def keep(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Keep some rows, and of each some columns (rising), in place."""
        for into, row in enumerate(rows.tolist()):
            self.array[into, : len(columns)] = self.array[row][columns]
        self.array = self.array[: len(rows), : len(columns)]

    def blocks(self) -> Iterator[slice]:
        """Slices of columns that are small enough to work on."""
        count, size = self.array.shape
        width = max(1, BLOCK // (8 * max(count, 1)))
        yield from (slice(start, min(start + width, size)) for start in range(0, size, width))
