"""Torch's files, of today and before 1.6, are read without torch's reader; one that lies is damage or refused."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from maskrcnn.checkpoints.foreign.torch_files import read_foreign_file
from maskrcnn.errors import CheckpointError

FORMS = {"zip": True, "before 1.6": False}


def training_state() -> dict[str, Any]:
    """What a training saves: weights, an optimiser with momentum, numbers."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "iteration": 5,
        "turned": torch.randn(3, 2).half().T,
        "part": torch.arange(10)[3:7],
        "parameter": nn.Parameter(torch.ones(2)),
        "bfloat16": torch.ones(3, dtype=torch.bfloat16),
        "bool": torch.tensor([True, False]),
        "number": torch.tensor(3.0),
        "empty": torch.empty(0, 4),
        "best": np.float64(0.5),
        "size": torch.Size([1, 2]),
    }


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected):
            assert_same(a, b)
    else:
        assert found == expected


@pytest.mark.parametrize("form", FORMS)
def test_a_training_s_file_comes_back(form: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save(training_state(), file, _use_new_zipfile_serialization=FORMS[form])
    assert_same(read_foreign_file(file), training_state())


@pytest.mark.parametrize("form", FORMS)
def test_what_it_gives_may_be_written_to_and_leaves_the_file_alone(form: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save({"a": torch.ones(3)}, file, _use_new_zipfile_serialization=FORMS[form])
    read_foreign_file(file)["a"].zero_()
    assert read_foreign_file(file)["a"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("form", FORMS)
def test_truncated_anywhere_it_is_one_sentence(form: str, tmp_path: Path) -> None:
    whole, file = io.BytesIO(), tmp_path / "model.pth"
    torch.save(training_state(), whole, _use_new_zipfile_serialization=FORMS[form])
    content = whole.getvalue()
    for length in [0, 1, 3, 4, 10, *range(20, len(content), max(1, len(content) // 150)), len(content) - 1]:
        file.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="model.pth"):
            read_foreign_file(file)


@pytest.mark.parametrize("form", FORMS)
def test_random_damage_raises_nothing_else(form: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    whole, file = io.BytesIO(), tmp_path / "model.pth"
    torch.save({"a": torch.ones(3), "b": {"c": torch.zeros(2, 2)}}, whole, _use_new_zipfile_serialization=FORMS[form])
    for _ in range(300):
        content = bytearray(whole.getvalue())
        for at in generator.integers(0, len(content), 3):
            content[at] = generator.integers(0, 256)
        file.write_bytes(content)
        try:
            read_foreign_file(file)
        except CheckpointError as error:
            assert "model.pth" in str(error)


class Lies:
    """Pickled as a call of one of torch's functions with arguments of our own."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


class Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value if isinstance(value, tuple) and value[:1] == ("storage",) else None


def torch_zip(file: Path, content: Any, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    data = io.BytesIO()
    Pickler(data, 2).dump(content)
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data.getvalue())
        for key, raw in storages.items():
            archive.writestr(f"archive/data/{key}", raw)


def tensor(count: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...], key: str = "0") -> Lies:
    storage = ("storage", torch.FloatStorage, key, "cpu", count)
    return Lies(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, OrderedDict())


def test_a_file_of_our_own_making_is_read(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch_zip(file, {"a": tensor(4, 1, (3,), (1,))}, {"0": np.arange(4, dtype=np.float32).tobytes()})
    assert read_foreign_file(file)["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "lie",
    (
        tensor(4, 0, (10**12,), (0,)),  # a small storage seen again and again
        tensor(4, 0, (2**62, 2**62), (0, 0)),
        tensor(4, 0, (5,), (1,)),
        tensor(4, 2, (3,), (1,)),
        tensor(4, -1, (3,), (1,)),
        tensor(4, 0, (-3,), (1,)),
        tensor(4, 0, (2,), (-1,)),
        tensor(4, 0, (1,), (2**70,)),
        tensor(10**12, 0, (4,), (1,)),  # longer than the file says
        tensor(3, 0, (3,), (1,)),
        tensor(4, 0, (3,), (1,), key="1"),
        tensor(4, 0, (3,), (1,), key="../data.pkl"),
    ),
)
def test_a_tensor_is_never_more_than_its_bytes(lie: Lies, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch_zip(file, {"a": lie}, {"0": bytes(16)})
    with pytest.raises(CheckpointError, match="damaged"):
        read_foreign_file(file)


def test_compressed_storages_are_no_way_to_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch_zip(file, {"a": tensor(4, 0, (4,), (1,))}, {"0": bytes(16)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="compressed"):
        read_foreign_file(file)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "evil, named",
    (
        (Lies(os.system, "true"), "system"),
        (Lies(torch.hub.load, "somewhere", "something"), "torch.hub"),
        (Lies(torch.load, "elsewhere"), "torch.serialization.load"),
        (Lies(getattr, "a", "b"), "getattr"),
        (nn.Linear(2, 2), "Linear"),
    ),
)
def test_more_than_data_is_refused_by_name(evil: Any, named: str, form: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save({"model": {"weight": torch.ones(2)}, "extra": evil}, file, _use_new_zipfile_serialization=FORMS[form])
    with pytest.raises(CheckpointError, match=f"model.pth asks for .*{named}"):
        read_foreign_file(file)


def test_other_files_are_no_model_files(tmp_path: Path) -> None:
    for name, content in {
        "text.pth": b"hello, world",
        "picture.pth": b"\x89PNG\r\n\x1a\n",
        "page.pkl": b"<html>",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name} is no model file"):
            read_foreign_file(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "photos.pth", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(CheckpointError, match="data.pkl"):
        read_foreign_file(tmp_path / "photos.pth")
    for missing, word in ((tmp_path / "nothing.pth", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(CheckpointError, match=word):
            read_foreign_file(missing)
