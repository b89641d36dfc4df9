"""TIFF stacks: slices z, channels and sizes as ImageJ, OME and tifffile write them.

A stack says how large its voxels are but not how it lies, so its axes are taken as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.tiff.pages import pages
from maskrcnn.modalities.volumes.formats.tiff.spacing import read_spacing
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Turn, Volume, extra
from maskrcnn.modalities.volumes.voxels import Voxels, check_voxels, labels_of, reading, volume_of

SLICES = "ZQI"  # z, or what tifffile calls axes that nobody named
CHANNELS = "CS"  # S: red, green and blue of a pixel


def read(path: Path) -> Volume:
    """The volume, as it lies in the file.

    Raises:
        DataError: cut off or damaged, a time series, pages of several sizes, pixels that cannot be decoded.
        UsageError: tifffile is not installed.
    """
    return volume_of(path, _open(path))


def read_labels(path: Path) -> LabelVolume:
    """The label map.

    Raises:
        DataError: as :func:`read`, and for several channels or what is no whole number from 0.
        UsageError: tifffile is not installed.
    """
    return labels_of(path, _open(path))


def _open(path: Path) -> Voxels:
    tifffile = extra("tifffile", "TIFF stacks")
    with reading(path, "TIFF"):
        for _ in pages(path):  # tifffile does not mind where a chain breaks off
            pass
        with tifffile.TiffFile(path) as file:
            if len(file.series) > 1 and not _are_slices(file.series):
                sizes = " and ".join(" x ".join(map(str, series.shape)) for series in file.series[:2])
                raise DataError(
                    f"{path} holds {len(file.series)} images ({sizes}, ...); save the one that is meant as a stack."
                )
            series = file.series[0]
            if any(page is None for one in file.series for page in one.pages):
                raise DataError(f"{path} lacks slices that lie in other files; copy all files of the image beside it.")
            check_voxels(path, (len(file.series), *series.shape), series.dtype)
            spacing, notes = read_spacing(path, file)
            if len(file.series) == 1:
                channels = _arranged(path, _pixels(path, series), series.axes)
            else:  # written page by page, each a series of its own
                pixels = np.stack([_pixels(path, one) for one in file.series])
                channels = _arranged(path, pixels, f"Z{series.axes}")
    space = FileSpace("tiff", channels.shape[1:], Turn.none(3))
    return Voxels(channels, space, spacing, notes=notes)


def _are_slices(series: Sequence[Any]) -> bool:
    """Whether the series of a file are pictures of one size and kind, which make a stack."""
    first = series[0]
    plane = tuple(name for name, side in zip(first.axes, first.shape) if side > 1 and name not in CHANNELS)
    alike = all((one.shape, one.dtype, one.axes) == (first.shape, first.dtype, first.axes) for one in series)
    return alike and set(plane) <= {"Y", "X"}


def _pixels(path: Path, series: Any) -> np.ndarray:
    try:
        pixels: np.ndarray = series.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        kind = series.pages[0].compression.name
        raise DataError(
            f"{path} is compressed as {kind}; to read that: pip install imagecodecs, or save it uncompressed."
        ) from error
    return pixels


def _arranged(path: Path, pixels: np.ndarray, axes: str) -> np.ndarray:
    """A view ``[C, Z, Y, X]`` of pixels whose axes are called ``axes``."""
    named = [(name, k) for k, name in enumerate(axes) if pixels.shape[k] > 1 or name in "YX"]
    if "T" in [name for name, _ in named]:
        count = pixels.shape[axes.index("T")]
        raise DataError(
            f"{path} holds {count} points in time; save one of them, or name the axis z if it is slices that it holds."
        )
    z = next((k for kind in SLICES for name, k in reversed(named) if name == kind), None)
    rest = [k for name, k in named if k != z and name not in "YX"]
    strange = [axes[k] for k in rest if axes[k] not in CHANNELS + "Q"]
    if strange or len(rest) > 1:
        sizes = " x ".join(map(str, pixels.shape))
        raise DataError(f"{path} has the axes {axes} ({sizes}); save slices z and perhaps channels.")
    order = [*rest, *([] if z is None else [z]), axes.index("Y"), axes.index("X")]
    alone = [k for k in range(len(axes)) if k not in order]
    moved = np.squeeze(pixels.transpose(*alone, *order), axis=tuple(range(len(alone))))
    if z is None:
        moved = moved[..., None, :, :]
    return moved if rest else moved[None]
