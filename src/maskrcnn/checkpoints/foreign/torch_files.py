"""The tensors of other people's model files: torch's (``.pth``, ``.pt``, since 1.6 a zip, before that pickles in a row)
and plain pickles of numpy arrays (``.pkl``), read without running anything of them.

In torch's files the pickle has the names and shapes, and the numbers lie beside it; they are mapped into memory, so
that of a checkpoint with an optimiser only what is used is ever read.
"""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.checkpoints.foreign.pickled_arrays import Damaged, Refused, whole_numbers
from maskrcnn.checkpoints.foreign.restricted_pickle import DAMAGED, PLAIN, Name, Reader, Table, refusal
from maskrcnn.errors import CheckpointError
from maskrcnn.files import is_file, is_folder
from maskrcnn.schema import one_line, said

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # of torch's files before 1.6; the second and third things in them are:
LEGACY_PROTOCOL = 1001
WRAPPERS = ("model", "state_dict", "model_state_dict")  # what trainings put a state dict under
STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


def _tensor(storage: Any, offset: int, size: Sequence[int], stride: Sequence[int] | None = None, *_: object) -> Tensor:
    """A view of a storage, which must hold as many numbers as the shape says: no shape grows out of a few bytes."""
    if not isinstance(storage, Tensor):
        raise Damaged("a tensor without numbers")
    (offset,), size = whole_numbers((offset,)), whole_numbers(size)
    stride = whole_numbers(stride) if stride is not None else torch.empty(size, device="meta").stride()
    if len(size) != len(stride):
        raise Damaged("a tensor with a stride for other axes")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride)) if 0 not in size else offset
    numbers = np.prod(size, dtype=np.float64)
    if min((offset, *size, *stride)) < 0 or last >= max(len(storage), 1) or numbers > len(storage):
        raise Damaged(f"a tensor of shape {said(str(size))} over {len(storage)} numbers")
    return storage.as_strided(size, stride, offset)


def _uncalled(*_: object) -> None:
    raise Damaged("a storage that is called")


TORCH: Table = {
    **PLAIN,
    **dict.fromkeys(STORAGES, _uncalled),
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch.Size": lambda sizes=(): whole_numbers(sizes),
}


def read_foreign_file(path: str | Path) -> Any:
    """What the file holds: dicts and lists of numbers, text, torch tensors and (of a ``.pkl``) numpy arrays.

    The tensors of a torch file are views of the mapped file: copy them before the file changes.

    Raises:
        CheckpointError: no such file, damaged or truncated, or more than data in it.
    """
    path = Path(path)
    if not is_file(path):
        raise CheckpointError(f"{path} {'is a folder' if is_folder(path) else 'does not exist'}; name a model file.")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty; fetch it again.")
    try:
        with path.open("rb") as file:
            # Copies on writing: torch wants memory that it may write to, and the file stays as it is.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        if content[:4] == b"PK\x03\x04":
            return _read_zip(path, content)
        if content[:1] not in (b"\x80", b"(", b"}", b"]"):
            raise Damaged("it does not begin like one")
        return _read_pickles(content)
    except Refused as error:
        raise refusal(path, error) from None
    except (Damaged, zipfile.BadZipFile, struct.error, *DAMAGED) as error:
        raise CheckpointError(
            f"{path} is no model file, or a damaged or truncated one ({one_line(error)}); fetch it again."
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None


def state_of(content: Any) -> dict[str, Tensor]:
    """The tensors of what a file holds by their names: the file's own, or under one of :data:`WRAPPERS`; without the
    ``module.`` that training on several devices puts first. Arrays become tensors."""
    if not isinstance(content, Mapping):
        return {}
    for name in WRAPPERS:
        if isinstance(content.get(name), Mapping):
            content = content[name]
    tensors: dict[int, Tensor] = {}  # by array, so that one under many names is one
    for value in content.values():
        if isinstance(value, np.ndarray) and id(value) not in tensors:
            tensors[id(value)] = torch.tensor(value)
    return {
        name.removeprefix("module."): tensors[id(value)] if isinstance(value, np.ndarray) else value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, np.ndarray | Tensor)
    }


def _read_zip(path: Path, content: mmap.mmap) -> Any:
    """A torch file since 1.6: ``<any name>/data.pkl``, and ``<any name>/data/<key>`` for each storage."""
    with zipfile.ZipFile(path) as archive:
        records = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in records if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise Damaged("a zip file without torch's data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        order = records.get(root + "byteorder")
        if order is not None and _bytes_of(content, order) != b"little":
            raise Refused("numbers in big-endian order")
        data = _bytes_of(content, records[pickles[0]])

    def storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
        info = records.get(f"{root}data/{key}")
        if info is None or info.file_size != count * dtype.itemsize:
            raise Damaged(f"storage {key} is missing or of another length")
        return _mapped(content, _start(content, info), dtype, count)

    return Reader(TORCH, _stored(storage)).read(io.BytesIO(data))


def _start(content: mmap.mmap, info: zipfile.ZipInfo) -> int:
    """Where a record's bytes begin: behind a header of 30 bytes, the name, and what fills up to an aligned place."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise Damaged("a compressed part")
    name, extra = struct.unpack_from("<HH", content, info.header_offset + 26)
    begin: int = info.header_offset + 30 + name + extra
    return begin


def _bytes_of(content: mmap.mmap, info: zipfile.ZipInfo) -> bytes:
    start = _start(content, info)
    return content[start : start + info.file_size]


def _mapped(content: mmap.mmap, start: int, dtype: torch.dtype, count: int) -> Tensor:
    if start + count * dtype.itemsize > len(content):
        raise Damaged("the numbers end too early")
    return torch.frombuffer(content, dtype=dtype, count=count, offset=start) if count else torch.empty(0, dtype=dtype)


def _stored(load: Callable[[str, torch.dtype, int], Tensor]) -> Callable[[Any], Tensor]:
    """What torch's persistent ids stand for: ``("storage", type, key, device, count)``, each loaded once."""
    loaded: dict[str, Tensor] = {}

    def find(identity: Any) -> Tensor:
        if not isinstance(identity, tuple) or len(identity) < 5:
            raise Damaged("a storage without a place")
        kind, storage, key, _, count, *_ = identity
        if kind != "storage" or not isinstance(storage, Name) or storage.name not in STORAGES:
            raise Refused(f"a stored {storage.name if isinstance(storage, Name) else said(storage)}")
        if not isinstance(key, str) or min(whole_numbers((count,))) < 0:
            raise Damaged("a storage without a place")
        if key not in loaded:
            loaded[key] = load(key, STORAGES[storage.name], count)
        return loaded[key]

    return find


def _read_pickles(content: mmap.mmap) -> Any:
    """A plain pickle, or a torch file before 1.6: five pickles in a row, then each storage's length and numbers."""
    first = Reader(PLAIN).read(content)
    if not isinstance(first, int) or first != LEGACY_MAGIC:
        return first
    protocol, machine = Reader(PLAIN).read(content), Reader(PLAIN).read(content)
    if protocol != LEGACY_PROTOCOL or not isinstance(machine, dict) or not machine.get("little_endian"):
        raise Damaged("another version of torch's format")
    beginning = content.tell()
    sizes: dict[str, tuple[torch.dtype, int]] = {}

    def note(key: str, dtype: torch.dtype, count: int) -> Tensor:
        sizes[key] = (dtype, count)
        return torch.empty(count, dtype=dtype, device="meta")

    # The storages' places are known only behind the pickle that speaks of them, so it is read twice.
    Reader(TORCH, _stored(note)).read(content)
    places: dict[str, int] = {}
    for key in (keys := Reader(PLAIN).read(content)):
        if key not in sizes or content.tell() + 8 > len(content):
            raise Damaged("the numbers end too early")
        dtype, count = sizes[key]
        if struct.unpack("<q", content.read(8))[0] != count:
            raise Damaged(f"storage {key} is of another length")
        places[key] = content.tell()
        content.seek(min(places[key] + count * dtype.itemsize, len(content)))
    if set(keys) != set(sizes):
        raise Damaged("storages without numbers")
    content.seek(beginning)
    return Reader(TORCH, _stored(lambda key, dtype, count: _mapped(content, places[key], dtype, count))).read(content)
