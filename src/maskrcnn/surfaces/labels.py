"""What is labelled on the surface of one object, as files tell it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

FAST = 1  # level of compression: flat areas are small at any


@dataclass(frozen=True)
class SurfaceLabel:
    """Points, and perhaps coarse parts, of one object; see :class:`maskrcnn.surfaces.points.SurfacePoints`.

    Attributes:
        places: float32 ``[T, D]``, x first, in coordinates of the file.
        parts: int64 ``[T]``, 1..P.
        uv: float32 ``[T, 2]``, 0..1.
        coarse: coarse parts over ``box`` as :func:`pack_part_map` gives them; empty where nobody drew any.
        box: float32 ``[2D]``, as it was labelled, even beyond the border.
    """

    places: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    coarse: bytes
    box: np.ndarray


def pack_part_map(part: np.ndarray) -> bytes:
    """Coarse parts uint8 ``[*G]`` in some hundred bytes; a data set has one for each object."""
    sides = np.array([part.ndim, *part.shape], dtype="<u4").tobytes()
    return sides + zlib.compress(np.ascontiguousarray(part, dtype=np.uint8).tobytes(), FAST)


def unpack_part_map(packed: bytes) -> np.ndarray | None:
    """What :func:`pack_part_map` was given; None of nothing."""
    if not packed:
        return None
    ndim = int(np.frombuffer(packed, "<u4", 1)[0])
    shape = np.frombuffer(packed, "<u4", ndim, 4)
    return np.frombuffer(zlib.decompress(packed[4 + 4 * ndim :]), np.uint8).reshape(shape)
