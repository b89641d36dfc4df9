"""Siemens MOSAIC: one DICOM picture whose tiles are the slices of a volume.

What the picture says of its place is that of a slice as large as the whole picture; how many tiles there are and which
way slices follow, Siemens keeps in a header of its own (CSA), which nibabel reads. The place of the first tile is
nibabel's ``MosaicWrapper``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.slices import Slice
from maskrcnn.modalities.volumes.volume import extra

MOSAIC = "MOSAIC"  # among the values of ImageType


def is_mosaic(header: Any) -> bool:
    """Whether a DICOM header is that of a mosaic."""
    return MOSAIC in [str(value).upper() for value in header.get("ImageType") or ()]


def tiles_of(path: Path, whole: Slice) -> list[Slice]:
    """The slices of a mosaic, from what its header says of it as if it were one slice.

    Raises:
        DataError: where Siemens' own header does not say how many slices there are.
        UsageError: nibabel is not installed.
    """
    csa = extra("nibabel.nicom.csareader", "Siemens mosaics")
    content = extra("pydicom", "DICOM files").dcmread(path, stop_before_pixels=True, force=True)
    own = csa.get_csa_header(content, "image")
    count = csa.get_n_mosaic(own) if own else None
    normal = csa.get_slice_normal(own) if own else None
    if not count or count < 1:
        raise DataError(
            f"{path} is a Siemens mosaic that does not say how many slices it holds; export it as single slices, or "
            "convert it to NIfTI."
        )
    side = math.ceil(math.sqrt(count))
    shape = (whole.shape[0] // side, whole.shape[1] // side)
    if min(shape) < 1 or (shape[0] * side, shape[1] * side) != whole.shape:
        raise DataError(f"{path} is a Siemens mosaic of {count} slices, which do not fit into it; export it again.")
    step = float(content.get("SpacingBetweenSlices") or content.get("SliceThickness") or 0)
    if not (math.isfinite(step) and step > 0):
        raise DataError(f"{path} is a Siemens mosaic that does not say how far apart its slices are; export it again.")
    along = whole.normal if normal is None or whole.normal @ normal > 0 else -whole.normal
    down, right = ((full - tile) / 2 for full, tile in zip(whole.shape, shape))
    first = whole.position + whole.directions[0] * whole.pixel[1] * right + whole.directions[1] * whole.pixel[0] * down
    return [
        replace(
            whole,
            frame=k,
            name=f"{path.name} tile {k + 1}",
            position=first + k * step * along,
            shape=shape,
            thickness=step,
        )
        for k in range(count)
    ]


def cut_tiles(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The tiles ``[N, rows, columns]`` of a picture ``[N' * rows, N' * columns]``, row by row."""
    down, right = picture.shape[0] // shape[0], picture.shape[1] // shape[1]
    cut = picture.reshape(down, shape[0], right, shape[1]).swapaxes(1, 2)
    return cut.reshape(-1, *shape)
