"""MetaImage (.mha, or .mhd with its data beside it), the file of ITK: a header of text and the voxels.

The header is read from its definition (docs.itk.org, MetaIO): lines ``Key = Value``, the last of which names the data.
Row i of TransformMatrix is the direction of axis i, and space is DICOM's: towards the patient's left, back and head.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.slices import LPS_TO_RAS
from maskrcnn.modalities.volumes.volume import LabelVolume, Volume
from maskrcnn.modalities.volumes.voxels import Voxels, check_voxels, labels_of, placed, reading, volume_of

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
ALIASES = {
    "Rotation": "TransformMatrix", "Orientation": "TransformMatrix", "Position": "Offset", "Origin": "Offset",
    "BinaryDataByteOrderMSB": "ElementByteOrderMSB",
}  # fmt: skip
LONGEST_HEADER = 1 << 16  # bytes
WHERE = "ElementDataFile"  # ends the header
LOCAL = ("LOCAL", "Local", "local")


def read(path: Path) -> Volume:
    """The volume.

    Raises:
        DataError: damaged, cut off, of other axes, or with its data in another folder or in several files.
    """
    return volume_of(path, _open(path))


def read_labels(path: Path) -> LabelVolume:
    """The label map.

    Raises:
        DataError: as :func:`read`, and for several channels or what is no whole number from 0.
    """
    return labels_of(path, _open(path))


def _open(path: Path) -> Voxels:
    with reading(path, "MetaImage"), path.open("rb") as file:
        header = _read_header(path, file)
        shape, affine = _space(path, header)
        channels = int(header.get("ElementNumberOfChannels", "1"))
        if not 1 <= channels <= max(shape) + 1024:
            raise DataError(f"{path} says that it has {channels} channels; save it again.")
        name = header[WHERE]
        data_file = path if name in LOCAL else _beside(path, name)
        check_voxels(path, (channels, *shape), np.dtype(np.int32), data_file.stat().st_size)
        if name in LOCAL:
            values = _read_values(path, file, header, channels * math.prod(shape))
        else:
            with data_file.open("rb") as data:
                values = _read_values(path, data, header, channels * math.prod(shape))
        return placed(path, np.moveaxis(values.reshape(*reversed(shape), channels), -1, 0), "metaimage", affine)


def _read_header(path: Path, file: BinaryIO) -> dict[str, str]:
    """The keys in the definition's own spelling, up to the one that names the data; ``file`` is behind it then."""
    header: dict[str, str] = {}
    while WHERE not in header:
        line = file.readline(LONGEST_HEADER)
        key, sign, value = line.decode("latin-1").partition("=")
        if not line or not sign or file.tell() > LONGEST_HEADER:
            raise DataError(f"{path} is no MetaImage: its header does not say where its data are; save it again.")
        header[ALIASES.get(key.strip(), key.strip())] = value.strip()
    if header.get("ObjectType", "Image") != "Image":
        raise DataError(f"{path} holds a MetaIO {header['ObjectType'][:40]}, no image; save the image.")
    return header


def _space(path: Path, header: dict[str, str]) -> tuple[tuple[int, ...], np.ndarray]:
    """Voxels along (i, j, k), and float64 ``[4, 4]`` from indices to RAS+ millimetres."""
    sizes = [int(size) for size in header.get("DimSize", "").split()]
    ndim = len(sizes)
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    if ndim != int(header.get("NDims", ndim)) or len(sizes) not in (2, 3) or min(sizes) < 1:
        listed = " x ".join(map(str, sizes[:8]))
        raise DataError(f"{path} has the size {listed or 'none'}; save one volume of three axes.")
    spacing = _numbers(path, header, "ElementSpacing", ndim) or _numbers(path, header, "ElementSize", ndim)
    matrix = _numbers(path, header, "TransformMatrix", ndim * ndim)
    offset = _numbers(path, header, "Offset", ndim)
    directions = np.array(matrix or np.eye(ndim).ravel()).reshape(ndim, ndim)
    kept = len(sizes)
    affine = np.eye(4)
    affine[:kept, :kept] = (directions * np.array(spacing or [1.0] * ndim)[:, None])[:kept, :kept].T
    affine[:kept, 3] = np.array(offset or [0.0] * ndim)[:kept]
    return (*sizes, 1)[:3], LPS_TO_RAS @ affine


def _numbers(path: Path, header: dict[str, str], key: str, count: int) -> list[float]:
    """The numbers of a key; none where it is not there."""
    found = [float(number) for number in header.get(key, "").split()]
    if found and (len(found) != count or not np.isfinite(found).all()):
        raise DataError(f"{path}: its {key} must be {count} finite numbers; save it again.")
    return found


def _beside(path: Path, name: str) -> Path:
    """The file of voxels that a header names."""
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise DataError(f"{path} has its data in several files ({name[:60]}); save it as one .mha file.")
    if Path(name).name != name or "\\" in name:
        raise DataError(f"{path} has its data in another folder ({name[:60]}); put them beside it.")
    if not is_file(path.with_name(name)):
        raise DataError(f"{path} has its data in {name[:60]}, which is not beside it; copy it there.")
    return path.with_name(name)


def _read_values(path: Path, file: BinaryIO, header: dict[str, str], count: int) -> np.ndarray:
    """``count`` values, in the order of the file."""
    kind = header.get("ElementType", "").removesuffix("_ARRAY")
    if kind not in TYPES:
        raise DataError(f"{path} holds values of the type {kind[:40] or 'none'}; save them as MET_SHORT or MET_FLOAT.")
    dtype = np.dtype(TYPES[kind]).newbyteorder(">" if _is_true(header, "ElementByteOrderMSB") else "<")
    size = count * dtype.itemsize
    if "BinaryData" in header and not _is_true(header, "BinaryData"):
        return np.array(file.read().split()[:count], dtype=dtype)
    skipped = int(header.get("HeaderSize", "0"))
    if skipped < 0:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - size))
    else:
        file.seek(skipped, 1 if header[WHERE] in LOCAL else 0)
    if _is_true(header, "CompressedData"):
        content = zlib.decompressobj().decompress(file.read(), size)
    else:
        at = file.tell()
        held = file.seek(0, 2) - at
        file.seek(at)
        content = file.read(size) if held >= size else b""
    if len(content) < size:
        raise DataError(f"{path} is cut off: it says {count} values but holds fewer; copy or save it again.")
    return np.frombuffer(content, dtype)


def _is_true(header: dict[str, str], key: str) -> bool:
    return header.get(key, "").lower() in ("true", "1")
