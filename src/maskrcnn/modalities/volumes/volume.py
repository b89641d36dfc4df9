"""A scan or a stack of slices as its reader found it, turned the way that every model expects, and how to turn back."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from maskrcnn.errors import UsageError


@dataclass(frozen=True)
class Turn:
    """Axes exchanged and mirrored: axis k of the result is axis ``axes[k]`` of the source, backwards where
    ``mirrored[k]``. Both orders are tensor order; the last D axes are meant, those before them stay."""

    axes: tuple[int, ...]
    mirrored: tuple[bool, ...]

    @staticmethod
    def none(ndim: int) -> Turn:
        return Turn(tuple(range(ndim)), (False,) * ndim)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """A view of ``[..., *S]`` that is turned."""
        before = array.ndim - len(self.axes)
        turned = array.transpose(*range(before), *(before + axis for axis in self.axes))
        return turned[self._backwards(before)]

    def undo(self, array: np.ndarray) -> np.ndarray:
        """A view of ``[..., *S]`` that is turned back: ``undo(apply(a))`` is ``a``."""
        before = array.ndim - len(self.axes)
        straight = array[self._backwards(before)]
        return straight.transpose(*range(before), *(before + int(axis) for axis in np.argsort(self.axes)))

    def _backwards(self, before: int) -> tuple[slice, ...]:
        steps = (-1 if mirrored else 1 for mirrored in self.mirrored)
        return (slice(None),) * before + tuple(slice(None, None, step) for step in steps)

    def undo_boxes(self, boxes: np.ndarray, spatial_shape: Sequence[int]) -> np.ndarray:
        """Boxes ``[N, 2D]`` (x first) of a turned array of ``spatial_shape`` (tensor order) in the source's axes."""
        low, high = (corner[:, ::-1] for corner in np.split(np.asarray(boxes, dtype=np.float64), 2, axis=1))
        sides = np.asarray(spatial_shape, dtype=np.float64)
        flipped = np.asarray(self.mirrored)
        low, high = np.where(flipped, sides - high, low), np.where(flipped, sides - low, high)
        back = np.argsort(self.axes)
        return np.concatenate([low[:, back][:, ::-1], high[:, back][:, ::-1]], axis=1)


@dataclass(frozen=True)
class FileSpace:
    """How the file itself lays out its voxels; enough to write a map of labels that overlays it.

    Attributes:
        container: ``nifti``, ``dicom``, ``nrrd``, ``metaimage``, ``tiff``, ``npz`` or ``npy``: which kind of file a
            map is written as (of the second to fourth as NIfTI).
        spatial_shape: of the file's voxels in tensor order: of a NIfTI file (k, j, i), of a series (slice, row,
            column) with the slices in order of position.
        turn: from that to the axes of :attr:`Volume.samples`.
        affine: float64 ``[4, 4]`` from the file's indices (i, j, k), voxel centres, to millimetres towards the
            patient's right, front and head (RAS+); None where the file does not say where it lies.
        header: what else the reader wants the writer of that container to know.
    """

    container: str
    spatial_shape: tuple[int, ...]
    turn: Turn
    affine: np.ndarray | None = None
    header: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Volume:
    """Voxels of one scan.

    Attributes:
        samples: float32 ``[C, Z, Y, X]``, all finite, in the file's units after its own rescaling. Where the file says
            how it lies, x runs nearest to the patient's left-to-right, y back to front, z foot to head (RAS+).
        spacing: millimetres from voxel to voxel, x first; None where the file says nothing.
        affine: float64 ``[4, 4]`` from indices (x, y, z) of ``samples``, voxel centres, to RAS+ millimetres; None where
            the file does not say where it lies.
        space: how the file itself lays out its voxels.
        channel_names: C names.
        notes: one sentence for each fault that was found and mended.
    """

    samples: Tensor
    spacing: tuple[float, ...] | None
    affine: np.ndarray | None
    space: FileSpace
    channel_names: tuple[str, ...] = ("",)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelVolume:
    """The numbers of a label map.

    Attributes:
        numbers: int32 (int64 where one is larger) ``[Z, Y, X]``, none below 0, turned as :attr:`Volume.samples` are.
        affine: float64 ``[4, 4]`` from indices (x, y, z) of ``numbers`` to RAS+ millimetres, or None.
        spacing: millimetres from voxel to voxel, x first; None where the file says nothing.
    """

    numbers: np.ndarray
    affine: np.ndarray | None
    spacing: tuple[float, ...] | None


def extra(module: str, reads: str) -> Any:
    """A module of the extra ``volumes``, imported when it is first needed.

    Raises:
        UsageError: where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = {"nrrd": "pynrrd"}.get(module, module.partition(".")[0])
        raise UsageError(f"To read {reads}, {package} must be installed: pip install 'maskrcnn[volumes]'.") from None
