"""Small streams that ask for endless time or memory are damage, at once: tuples that hold one another, data that are
handed to a call again and again."""

from __future__ import annotations

import io
import pickle
import struct
import time
import zipfile

import numpy as np
import pytest

from maskrcnn.checkpoints.foreign.pickled_arrays import Damaged, Refused
from maskrcnn.checkpoints.foreign.restricted_pickle import Reader
from maskrcnn.checkpoints.foreign.torch_files import TORCH, _stored, read_foreign_file, state_of
from maskrcnn.errors import CheckpointError

DEPTH = 60


def bomb(depth: int = DEPTH) -> bytes:
    """A tuple of two that are one tuple of two that are one ...: 2^60 leaves for whoever walks through them."""
    stream = b"K\x01\x85q\x00"
    for k in range(depth):
        stream += b"0h" + bytes([k]) + b"h" + bytes([k]) + b"\x86q" + bytes([k + 1])
    return stream


LAST = b"h" + bytes([DEPTH])
STREAMS = {
    "a key": b"}" + bomb() + b"K\x01s.",
    "one of several keys": b"}(" + bomb() + b"K\x01u.",
    "a key of a dict from a mark": b"(" + bomb() + b"K\x01d.",
    "a key of an ordered dict": b"ccollections\nOrderedDict\n]" + bomb() + b"K\x01\x86a\x85R.",
    "a type": bomb() + b"0cnumpy\ndtype\n" + LAST + b"\x85R.",
    "a text's coding": bomb() + b"0c_codecs\nencode\nU\x01a" + LAST + b"\x86R.",
    "a function": bomb() + b"0" + LAST + b")R.",
    "a name": bomb() + b"0" + LAST + LAST + b"\x93.",
    "a shape": bomb() + b"0ctorch\nSize\n" + LAST + b"\x85R.",
    "a stored place": bomb() + b"0U\x07storage" + LAST + b"U\x01aU\x03cpuK\x01tQ.",
    "what is stored": bomb() + b"0(" + b"U\x07storage" + LAST + b"U\x01aU\x03cpuK\x01tQ.",
    "the key of what is stored": bomb() + b"0(U\x07storagectorch\nFloatStorage\n" + LAST + b"U\x03cpuK\x01tQ.",
}


@pytest.mark.parametrize("name", STREAMS)
def test_tuples_that_hold_one_another_are_refused_at_once(name: str) -> None:
    start = time.process_time()
    with pytest.raises((Damaged, Refused)) as caught:
        Reader(TORCH, lambda identity: found(identity)).read(io.BytesIO(b"\x80\x02" + STREAMS[name]))
    assert time.process_time() - start < 1
    assert len(str(caught.value)) < 300


def found(identity: object) -> object:
    return _stored(lambda key, dtype, count: None)(identity)  # type: ignore[arg-type, return-value]


def repeated(call: bytes, times: int) -> bytes:
    """A megabyte of text, handed to ``call`` again and again."""
    text = b"X" + struct.pack("<I", 2**20) + b"a" * 2**20 + b"q\x00"
    return b"\x80\x02" + text + (b"0" + call) * times + b"."


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\nh\x00U\x06latin1\x86Rq\x01",
        b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02f8\x85Rh\x00\x86R",
    ],
)
def test_a_megabyte_that_is_used_a_thousand_times_is_damage(call: bytes) -> None:
    with pytest.raises(Damaged):
        Reader().read(io.BytesIO(repeated(call, 1000)))


def test_one_array_under_many_names_is_one_tensor() -> None:
    array = np.zeros(1000, np.float32)
    tensors = state_of({f"x{k}": array for k in range(1000)})
    assert len(tensors) == 1000
    assert len({tensor.data_ptr() for tensor in tensors.values()}) == 1


def test_a_torch_file_with_a_bomb_is_one_sentence(tmp_path) -> None:
    path = tmp_path / "m.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02" + STREAMS["a key"])
    with pytest.raises(CheckpointError, match="damaged"):
        read_foreign_file(path)


def test_what_python_2_wrote_of_an_ordered_dict_is_still_read() -> None:
    stream = b"\x80\x02ccollections\nOrderedDict\n](]U\x01aK\x01e]U\x01bK\x02ee\x85R."
    stream = stream.replace(b"](]U\x01aK\x01e]U\x01bK\x02ee", b"](](U\x01aK\x01e](U\x01bK\x02ee")
    assert Reader().read(io.BytesIO(stream)) == {"a": 1, "b": 2}
    assert Reader().read(io.BytesIO(pickle.dumps({"a": (1, 2)}))) == {"a": (1, 2)}
