"""Pickles are read without being run: plain data come back as they were, everything else is refused by name."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maskrcnn.checkpoints.foreign.pickled_arrays import Damaged, Refused
from maskrcnn.checkpoints.foreign.restricted_pickle import Reader
from maskrcnn.checkpoints.foreign.torch_files import read_foreign_file
from maskrcnn.errors import CheckpointError

PLAIN: dict[str, Any] = {
    "model": {
        "f4": np.arange(6, dtype=np.float32).reshape(2, 3),
        "f2": np.arange(6, dtype=np.float16),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "bool": np.array([True, False]),
        "whole": np.array(3),
        "empty": np.zeros((0, 4)),
    },
    "__author__": "somebody ü",
    "mixed": (1, -5, 2**70, 1.5, None, True, [2, {"k": (3,)}], b"\x00\xff", b""),
    "ordered": collections.OrderedDict(a=1, b=2),
    "scalar": np.float64(2.5),
}


def read(stream: bytes) -> Any:
    return Reader().read(io.BytesIO(stream))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_back(protocol: int) -> None:
    found = read(pickle.dumps(PLAIN, protocol))
    assert list(found) == list(PLAIN)
    for name, value in PLAIN["model"].items():
        assert found["model"][name].dtype == value.dtype.newbyteorder("=")
        assert found["model"][name].shape == value.shape
        assert (found["model"][name] == value).all()
    assert [found[name] for name in list(PLAIN)[1:]] == [PLAIN[name] for name in list(PLAIN)[1:]]


def test_arrays_from_python_2() -> None:
    """Bytes as text strings, numpy's names before version 2: what pickles of the model zoo look like."""
    raw = np.arange(4, dtype="<f4").tobytes()
    stream = b"".join(
        (
            b"\x80\x02}q\x01U\x05modelq\x02}q\x03U\x06weightq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05",
            b"cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07(K\x01K\x02K\x02\x86cnumpy\ndtype\nq\x08U\x02f4K\x00K\x01",
            b"\x87Rq\x09(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
            + struct.pack("<i", len(raw))
            + raw,
            b"tbss.",
        )
    )
    pickletools.dis(stream, out=io.StringIO())  # it is a pickle
    assert read(stream)["model"]["weight"].tolist() == [[0, 1], [2, 3]]


class Calls:
    """Pickled as a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


EVIL = {
    "os.system": (lambda where: Calls(os.system, f"touch {where}"), "system"),
    "eval": (lambda where: Calls(eval, f"open({str(where)!r}, 'w')"), "eval"),
    "exec": (lambda where: Calls(exec, f"open({str(where)!r}, 'w')"), "exec"),
    "getattr": (lambda where: Calls(getattr, "os", "system"), "getattr"),
    "open": (lambda where: Calls(open, str(where), "w"), "open"),
    "torch.load": (lambda where: Calls(torch.load, str(where)), "torch"),
    "numpy.load": (lambda where: Calls(np.load, str(where)), "numpy"),
    "a path": (lambda where: where, "pathlib"),
    "a class": (lambda where: Calls, "Calls"),
    "a set": (lambda where: {1, 2}, "EMPTY_SET|set"),
    "objects in an array": (lambda where: np.array([Calls(os.system, f"touch {where}")], dtype=object), "O8|system"),
    "records in an array": (lambda where: np.zeros(2, "f4,f8"), "V12"),
    "dates in an array": (lambda where: np.zeros(2, "M8[s]"), "M8"),
}  # fmt: skip


@pytest.mark.parametrize("protocol", (2, 4))
@pytest.mark.parametrize("name", EVIL)
def test_what_is_not_data_is_refused_by_name_and_never_run(name: str, protocol: int, tmp_path: Path) -> None:
    make, named = EVIL[name]
    marker = tmp_path / "ran"
    for content in (make(marker), {"model": {"weight": make(marker)}}):
        file = tmp_path / "evil.pkl"
        file.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(CheckpointError, match=f"evil.pkl asks for .*({named})"):
            read_foreign_file(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    "stream",
    (
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x02cos\nsystem\n)\x81.",  # NEWOBJ
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x0ccompile.eval\x93.",  # dotted, protocol 4
        b"\x80\x02\x82\x01.",  # the extension registry
        b"\x80\x02U\x03abcQ.",  # a persistent id
        b"\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.",  # a state for a class
        b"\x80\x02]}U\x09__class__U\x01xsb.",  # a state for a list
        b"\x80\x02c_codecs\nencode\nU\x01aU\x05rot13\x86R.",
        b"\x80\x02}cnumpy\nndarray\nR.",  # a call of a dict
        b"\x80\x02c_codecs\nencode\nc_codecs\nencode\nR.",
    ),
)
def test_instructions_that_build_no_data_are_refused(stream: bytes) -> None:
    with pytest.raises(Refused):
        read(stream)


def array_of(shape: tuple[int, ...]) -> bytes:
    """A pickle of seven numbers that say they have ``shape``."""
    honest, said = pickle.dumps(np.zeros(7, np.float32), 2), b"K\x07\x85"
    assert honest.count(said) == 1
    return honest.replace(said, pickle.dumps(shape, 2)[2:-1])


@pytest.mark.parametrize("shape", ((2**40,), (8,), (6,), (-7,), (-1, -7), (2**32, 2**32), (0,)))
def test_a_shape_never_grows_out_of_a_few_bytes(shape: tuple[int, ...]) -> None:
    with pytest.raises(Damaged):
        read(array_of(shape))


def test_every_truncation_is_damage() -> None:
    stream = pickle.dumps(PLAIN, 4)
    for length in range(len(stream)):
        with pytest.raises((Damaged, Refused)):
            read(stream[:length])


@pytest.mark.filterwarnings("ignore:invalid escape")
def test_random_damage_raises_nothing_else() -> None:
    generator = np.random.default_rng(0)
    for protocol in (2, 4):
        stream = np.frombuffer(pickle.dumps(PLAIN, protocol), np.uint8)
        for _ in range(1500):
            damaged = stream.copy()
            at = generator.integers(0, len(stream), generator.integers(1, 4))
            damaged[at] = generator.integers(0, 256, len(at))
            with contextlib.suppress(Damaged, Refused):
                read(damaged.tobytes())
