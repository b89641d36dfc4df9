"""What is found on the surfaces of an image's objects: of each pixel of a window its part, u and v."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class SurfaceMaps:
    """What is found of N objects, each in its own window of the file.

    Attributes:
        surface: its name.
        offsets: int64 ``[N, D]``, tensor order: where each window begins.
        parts: of each object uint16 ``[*W]``: 0 where the object is not, else 1..P.
        uv: of each object float32 ``[2, *W]``: u and v, 0..1 but for small errors; 0 where the part is 0.
    """

    surface: str
    offsets: np.ndarray
    parts: tuple[np.ndarray, ...]
    uv: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: Tensor | np.ndarray | slice) -> SurfaceMaps:
        """The objects at ``index``, a boolean or integer array or a slice."""
        own = index.detach().cpu().numpy() if isinstance(index, Tensor) else index
        chosen = np.arange(len(self))[own].reshape(-1)
        parts, uv = (tuple(values[i] for i in chosen) for values in (self.parts, self.uv))
        return replace(self, offsets=self.offsets[chosen], parts=parts, uv=uv)

    @staticmethod
    def join(found: Sequence[SurfaceMaps]) -> SurfaceMaps:
        """The objects of one or more, one after another; all are of one surface."""
        return SurfaceMaps(
            found[0].surface,
            np.concatenate([own.offsets for own in found]),
            tuple(part for own in found for part in own.parts),
            tuple(part for own in found for part in own.uv),
        )

    def moved(self, start: Sequence[int]) -> SurfaceMaps:
        """In an image of which this one is the tile that begins at ``start``, tensor order."""
        return replace(self, offsets=self.offsets + np.asarray(start, dtype=np.int64))

    def window(self, i: int) -> tuple[slice, ...]:
        """Where the window of object ``i`` lies in the file, tensor order."""
        return tuple(slice(int(o), int(o) + side) for o, side in zip(self.offsets[i], self.parts[i].shape))
