"""Arrays in npy and npz files: what their headers say, and only those that are asked for."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from maskrcnn.data.parsing.size_limit import check_size

MEMBER = ".npy"


class ArrayFile(Mapping[str, np.ndarray]):
    """The arrays of an npz by name, or that of an npy under the name ``""``. What nobody asks for is never unpacked,
    and nothing that is too large.

    Args:
        path: of the file.
        what: the word for its numbers, in the plural.
        each: bytes of memory that are made of a number, beside what the file has.

    Raises:
        Exception: zip files and headers that are broken, of every kind.
    """

    def __init__(self, path: Path, what: str = "samples", each: int = 4) -> None:
        self.path, self.what, self.each = path, what, each
        self.single = path.suffix.lower() == MEMBER
        self.headers = dict(array_headers(path))

    def __getitem__(self, name: str) -> np.ndarray:
        shape, dtype = self.headers[name]
        check_size(self.path, math.prod(shape), self.what, dtype.itemsize + self.each)
        if self.single:
            mapped: np.ndarray = np.load(self.path, allow_pickle=False, mmap_mode="r")
            return mapped
        with np.load(self.path, allow_pickle=False) as content:
            array: np.ndarray = content[name]
        return array

    def shape(self, name: str) -> tuple[int, ...]:
        """Of an array; ``(0,)`` where there is none."""
        return self.headers[name][0] if name in self.headers else (0,)

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)


def wanted_arrays(path: Path, wanted: Sequence[str], what: str = "samples") -> dict[str, np.ndarray]:
    """Read those arrays of an npz that are wanted, or the only one; others are never unpacked.

    Args:
        path: of the file.
        wanted: their names.
        what: the word for what they hold, in the plural.

    Returns:
        The arrays by name.

    Raises:
        DataError: one of them is too large.
        Exception: as :class:`ArrayFile`.
    """
    content = ArrayFile(path, what)
    return {name: content[name] for name in content if name in wanted or len(content) == 1}


def array_headers(
    path: Path, wanted: Iterable[str] | None = None
) -> Iterator[tuple[str, tuple[tuple[int, ...], np.dtype]]]:
    """Name, shape and type of each array, or of the ``wanted`` ones; what is in an npz beside arrays is passed over."""
    if path.suffix.lower() == MEMBER:
        with path.open("rb") as file:
            yield "", _header(file)
        return
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            name = entry.removesuffix(MEMBER)
            if entry.endswith(MEMBER) and (wanted is None or name in set(wanted)):
                with archive.open(entry) as member:
                    yield name, _header(member)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
