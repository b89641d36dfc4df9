"""The packed layers of Label Studio's brush: runs of bits, as the JavaScript package ``@thi.ng/rle-pack`` writes them.

A head says how many values follow (32 bits), how many bits a value has (5 bits, less 1) and four lengths of run counts
(4 bits each, less 1). Then come runs: one bit says whether all values are equal, two which of the four lengths the
count has, then the count less 1, then one value for all or one for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CHANNELS = 4  # red, green, blue, opacity


def unpack_opacity(packed: Any, spatial_shape: tuple[int, int]) -> np.ndarray:
    """The opacity ``[H, W]`` of a packed layer of that size.

    Args:
        packed: a list of bytes.
        spatial_shape: height and width.

    Raises:
        ValueError: where it is damaged or of another size; the text goes on from "region 3".
    """
    height, width = spatial_shape
    total = height * width * CHANNELS
    bits = _Bits(packed)
    count, size = bits.read(32), bits.read(5) + 1
    lengths = [bits.read(4) + 1 for _ in range(4)]
    if count != total:
        raise ValueError(f"is a brush mask of {count} values, where the picture has {total}")
    opacity = np.zeros(height * width, dtype=np.uint32)
    start = 0
    while start < total:
        is_run = bits.read(1)
        stop = min(start + 1 + bits.read(lengths[bits.read(2)]), total)
        if is_run:
            opacity[_pixels(start) : _pixels(stop)] = bits.read(size)
        else:
            values = bits.read_all(size, stop - start)
            opacity[_pixels(start) : _pixels(stop)] = values[
                _pixels(start) * CHANNELS + CHANNELS - 1 - start :: CHANNELS
            ]
        start = stop
    return opacity.reshape(height, width)


def _pixels(values: int) -> int:
    """How many opacities lie among so many first values."""
    return values // CHANNELS


class _Bits:
    """Reads numbers of any length from bytes, the highest bit first."""

    def __init__(self, packed: Any) -> None:
        try:
            self._bytes = bytes(packed) if isinstance(packed, list) else b""
        except (TypeError, ValueError):
            self._bytes = b""
        self._position = 0

    def read(self, count: int) -> int:
        low, high = self._position, self._take(count)
        whole = int.from_bytes(self._bytes[low >> 3 : (high + 7) >> 3], "big")
        return (whole >> (-high % 8)) & ((1 << count) - 1)

    def read_all(self, size: int, count: int) -> np.ndarray:
        """``count`` numbers of ``size`` bits, uint32."""
        low, high = self._position, self._take(size * count)
        bits = np.unpackbits(np.frombuffer(self._bytes[low >> 3 : (high + 7) >> 3], dtype=np.uint8))
        table = bits[low % 8 : low % 8 + size * count].reshape(count, size).astype(np.uint32)
        numbers: np.ndarray = (table << np.arange(size - 1, -1, -1, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
        return numbers

    def _take(self, count: int) -> int:
        self._position += count
        if self._position > len(self._bytes) * 8:
            raise ValueError("is a brush mask that is cut off before its end")
        return self._position
