"""How large the voxels of a TIFF stack are, as ImageJ and OME say it; what is missing or not understood is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from maskrcnn.data.parsing.units import millimetres_in

PIXELS = frozenset({"", "pixel", "pixels", "px", "voxel", "voxels", "reference frame", "null"})  # units of nothing
Said = tuple[float | None, str]  # how large a voxel is along an axis, and in which unit


def read_spacing(path: Path, file: Any) -> tuple[tuple[float, ...] | None, tuple[str, ...]]:
    """Millimetres from voxel to voxel, x first, or None unless all three are known; and sentences about it.

    Args:
        path: for the sentences.
        file: an open ``tifffile.TiffFile``.
    """
    if file.is_ome:
        return _in_millimetres(path, _said_by_ome(file.ome_metadata))
    if not file.is_imagej:
        return None, ()
    metadata = file.imagej_metadata or {}
    sides = _said_by_imagej(metadata, file.pages[0].tags)
    spacing, notes = _in_millimetres(path, sides)
    if spacing and "spacing" not in metadata:  # ImageJ leaves out a depth of one unit
        notes = (f"{path} does not say how far apart its slices are; one {sides[2][1]} was taken, as ImageJ does.",)
    return spacing, notes


def _in_millimetres(path: Path, sides: tuple[Said, ...]) -> tuple[tuple[float, ...] | None, tuple[str, ...]]:
    if all(size is None or unit.strip().lower() in PIXELS for size, unit in sides):
        return None, ()
    found = []
    for axis, (size, unit) in zip("xyz", sides):
        scale = millimetres_in(unit)
        if size is None:
            return None, (f"{path} does not say how large its voxels are along {axis}; their size was passed over.",)
        if scale is None:
            return None, (f"{path}: {unit[:40]!r} is no unit of length; the size of its voxels was passed over.",)
        if not (math.isfinite(size) and size > 0):
            return None, (f"{path}: {size:g} {unit} is no size of a voxel along {axis}; it was passed over.",)
        found.append(size * scale)
    return tuple(found), ()


def _said_by_imagej(metadata: Mapping[str, Any], tags: Any) -> tuple[Said, ...]:
    unit = str(metadata.get("unit", ""))
    sides: list[Said] = []
    for name, own in (("XResolution", "xunit"), ("YResolution", "yunit")):
        above, below = tags[name].value if name in tags else (0, 1)  # pixels a unit
        sides.append((below / above if above else None, str(metadata.get(own, unit))))
    return (*sides, (abs(_number(metadata.get("spacing", 1.0))), str(metadata.get("zunit", unit))))


def _said_by_ome(text: str) -> tuple[Said, ...]:
    root = ElementTree.fromstring(text)
    described = next((element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"), None)
    if described is None:
        return ((None, ""),) * 3
    sizes = (described.get(f"PhysicalSize{axis}") for axis in "XYZ")
    units = (described.get(f"PhysicalSize{axis}Unit", "µm") for axis in "XYZ")
    return tuple((None if size is None else _number(size), unit) for size, unit in zip(sizes, units))


def _number(value: Any) -> float:
    """Not a number where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
