"""TIFF stacks: slices z, channels and sizes as ImageJ, OME and tifffile write them.

A stack says how large its voxels are but not how it lies, so its axes are taken as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.tiff_pages import has_several_pages, pages
from maskrcnn.data.volume import FileSpace, LabelVolume, Turn, Volume, extra
from maskrcnn.data.voxels import Voxels, check_voxels, labels_of, reading, volume_of
from maskrcnn.errors import DataError
from maskrcnn.files import is_file

SUFFIXES = (".tif", ".tiff")
SLICES = "ZQI"  # z, or what tifffile calls axes that nobody named
CHANNELS = "CS"  # S: red, green and blue of a pixel
MILLIMETRES = {
    "m": 1e3, "meter": 1e3, "cm": 10.0, "mm": 1.0, "millimeter": 1.0, "um": 1e-3, "µm": 1e-3, "μm": 1e-3,
    "micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3, "nm": 1e-6, "nanometer": 1e-6, "pm": 1e-9, "å": 1e-7,
    "angstrom": 1e-7, "in": 25.4, "inch": 25.4, "dm": 100.0,
}  # fmt: skip


def is_tiff_stack(path: Path) -> bool:
    """Whether the file is a TIFF of more than one page; one page is a picture, whatever its resolution levels."""
    if not path.name.lower().endswith(SUFFIXES) or not is_file(path):
        return False
    try:
        return has_several_pages(path)
    except (OSError, ValueError):
        return False


def read_tiff_stack(path: Path) -> Volume:
    """The volume, as it lies in the file.

    Raises:
        DataError: cut off or damaged, a time series, pages of several sizes, pixels that cannot be decoded.
        UsageError: tifffile is not installed.
    """
    return volume_of(path, _open(path))


def read_tiff_stack_labels(path: Path) -> LabelVolume:
    """The label map.

    Raises:
        DataError: as :func:`read_tiff_stack`, and for several channels or what is no whole number from 0.
        UsageError: tifffile is not installed.
    """
    return labels_of(path, _open(path))


def _open(path: Path) -> Voxels:
    tifffile = extra("tifffile", "TIFF stacks")
    with reading(path, "TIFF"):
        for _ in pages(path):  # tifffile does not mind where a chain breaks off
            pass
        with tifffile.TiffFile(path) as file:
            if len(file.series) > 1:
                sizes = " and ".join(" x ".join(map(str, series.shape)) for series in file.series[:2])
                raise DataError(
                    f"{path} holds {len(file.series)} images ({sizes}, ...); save the one that is meant as a stack."
                )
            series = file.series[0]
            if any(page is None for page in series.pages):
                raise DataError(f"{path} lacks slices that lie in other files; copy all files of the image beside it.")
            check_voxels(path, series.shape, series.dtype)
            spacing = _spacing(file)
            channels = _arranged(path, _pixels(path, series), series.axes)
    space = FileSpace("tiff", channels.shape[1:], Turn.none(3))
    return Voxels(channels, space, spacing)


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


def _spacing(file: Any) -> tuple[float, ...] | None:
    """Millimetres, x first; None unless all three are known."""
    found = _ome_spacing(file.ome_metadata) if file.is_ome else _imagej_spacing(file) if file.is_imagej else None
    return found if found and np.isfinite(found).all() and min(found) > 0 else None


def _imagej_spacing(file: Any) -> tuple[float, ...] | None:
    said = file.imagej_metadata or {}
    unit = _millimetres(str(said.get("unit", "")))
    tags = file.pages[0].tags
    if unit is None or "XResolution" not in tags or "YResolution" not in tags:
        return None
    sides: list[float] = []
    for name in ("XResolution", "YResolution"):  # pixels a unit
        above, below = tags[name].value
        sides.append(below / above * unit if above else np.nan)
    return (*sides, abs(float(said.get("spacing", 1.0))) * unit)  # ImageJ leaves out a depth of one unit


def _ome_spacing(text: str) -> tuple[float, ...] | None:
    root = ElementTree.fromstring(text)
    described = next((element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"), None)
    sides: list[float] = []
    for axis in "XYZ":
        size = None if described is None else described.get(f"PhysicalSize{axis}")
        unit = None if described is None else _millimetres(described.get(f"PhysicalSize{axis}Unit", "µm"))
        if size is None or unit is None:
            return None
        sides.append(float(size) * unit)
    return tuple(sides)


def _millimetres(unit: str) -> float | None:
    """Of one such unit; None for pixels and what is not known. ImageJ writes the Greek letter as six characters."""
    return MILLIMETRES.get(unit.replace("\\u00B5", "µ").strip().lower())
