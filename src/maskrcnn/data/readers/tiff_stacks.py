"""TIFF stacks, as microscopes and ImageJ write them: ``[Z, Y, X]``, perhaps with channels, read with tifffile.

Where ImageJ or OME say how large a voxel is, that is kept, in millimetres. A stack does not say how it lies.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.data.volume import FileSpace, Turn, Volume, extra, filled, reason
from maskrcnn.errors import DataError, UsageError

SUFFIXES = frozenset({".tif", ".tiff"})
MILLIMETRES = {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3, "mm": 1.0, "cm": 10.0}
INCH, CENTIMETRE = 2, 3  # units of a TIFF's own resolution
OF_RESOLUTION = {INCH: 25.4, CENTIMETRE: 10.0}
DEPTH = "ZIQR"  # what tifffile calls an axis of slices that nobody named


def is_tiff_stack(path: Path) -> bool:
    """Whether the file is a TIFF of several pages: of one it is a picture."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    try:
        with extra("tifffile", "TIFF stacks").TiffFile(path) as file:
            return len(file.pages) > 1
    except Exception:  # a damaged file, or no package: left to the reader of pictures
        return False


def read_tiff_stack(path: Path) -> Volume:
    """The stack.

    Raises:
        DataError: a damaged file, one page, several moments, or colours.
        UsageError: tifffile is not installed.
    """
    tifffile = extra("tifffile", "TIFF stacks")
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            axes, voxels = series.axes, series.asarray()
            spacing = _spacing(file)
    except UsageError:
        raise
    except Exception as error:  # tifffile meets broken files with errors of every kind
        raise DataError(f"{path} cannot be read ({reason(error)}); save the stack again.") from error
    if voxels.dtype.kind not in "fiub":
        raise DataError(f"{path} holds {voxels.dtype} instead of grey values; save it again.")
    samples = np.array(_ordered(voxels, axes, path), dtype=np.float32, order="C")
    samples, notes = filled(samples, path)
    space = FileSpace("tiff", tuple(samples.shape[1:]), Turn.none(3))
    names = ("",) if len(samples) == 1 else tuple(f"channel {k}" for k in range(1, len(samples) + 1))
    return Volume(torch.from_numpy(samples), spacing, None, space, names, notes)


def _ordered(voxels: np.ndarray, axes: str, path: Path) -> np.ndarray:
    """``[C, Z, Y, X]`` of what tifffile read, whose axes have one letter each."""
    for axis in reversed(range(voxels.ndim)):
        if voxels.shape[axis] == 1 and axes[axis] not in "YX":
            voxels, axes = voxels.take(0, axis), axes[:axis] + axes[axis + 1 :]
    if "T" in axes and not any(letter in axes for letter in DEPTH):
        axes = axes.replace("T", "Z")  # ImageJ takes a stack that nobody described for a film
    if "T" in axes:
        raise DataError(f"{path} holds several moments ({axes}); save one of them as a stack.")
    depth = next((letter for letter in DEPTH if letter in axes), "")
    channels = next((letter for letter in "CS" if letter in axes), "")
    order = [axes.index(letter) for letter in (channels, depth, "Y", "X") if letter and letter in axes]
    if len(order) != voxels.ndim or "Y" not in axes or "X" not in axes:
        raise DataError(f"{path} has axes {axes}; a stack has slices, rows, columns and perhaps channels.")
    voxels = voxels.transpose(order)
    voxels = voxels if depth else voxels[..., None, :, :]
    return voxels if channels else voxels[None]


def _spacing(file: Any) -> tuple[float, ...] | None:
    """Millimetres from voxel to voxel, x first; None where the file does not say all three."""
    if file.ome_metadata:
        return _of_ome(file.ome_metadata)
    page, imagej = file.pages[0], file.imagej_metadata or {}
    unit = MILLIMETRES.get(str(imagej.get("unit", "")).replace("\\u00B5", "µ").lower())
    depth = imagej.get("spacing")
    tag = page.tags.get("ResolutionUnit")
    unit = unit or OF_RESOLUTION.get(int(tag.value) if tag is not None else 0)
    sides = [page.tags.get(name) for name in ("XResolution", "YResolution")]
    if unit is None or depth is None or any(side is None for side in sides):
        return None
    per_unit = [side.value[0] / side.value[1] if side.value[1] else 0.0 for side in sides]
    spacing = (*(unit / count if count > 0 else 0.0 for count in per_unit), unit * float(depth))
    return spacing if all(0 < own < float("inf") for own in spacing) else None


def _of_ome(text: str) -> tuple[float, ...] | None:
    found = []
    for axis in "XYZ":
        size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', text)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', text)
        scale = MILLIMETRES.get(unit[1] if unit else "µm")
        try:
            found.append(float(size[1]) * scale if size and scale else 0.0)
        except ValueError:
            return None
    return tuple(found) if all(own > 0 for own in found) else None
