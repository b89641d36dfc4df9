"""``--model densepose``: from a folder in place of its server, and without a network. No published file was seen."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from test_densepose import tensors_of

from maskrcnn.checkpoints.foreign.published import DENSEPOSE_LICENCE, MIRROR, RESEARCH, recognise
from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.files import CACHE
from tiny import save_photo

PUBLISHED = RESEARCH["densepose"]


def test_the_file_is_fetched_converted_and_kept_and_its_licence_is_said_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    weights = {name: np.ascontiguousarray(value.numpy()) for name, value in tensors_of("s1x").items()}
    (tmp_path / "server" / PUBLISHED.file).write_bytes(pickle.dumps({"model": weights, "__author__": "somebody"}, 2))
    monkeypatch.setenv(MIRROR, (tmp_path / "server").as_uri())
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    said: list[str] = []
    _, info = load_model("densepose", said.append)
    assert said == [f"note: {DENSEPOSE_LICENCE}", *(line for line in said if line.startswith("Fetching"))]
    assert info.config.surface_head is not None and info.class_names == ("person",)
    kept = Path(PUBLISHED.file).with_suffix(".safetensors").name
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept]
    said.clear()
    load_model("densepose", said.append)
    assert said == [f"note: {DENSEPOSE_LICENCE}"]


def test_without_a_network_it_is_one_sentence(maskrcnn, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    outcome = maskrcnn("predict", save_photo(tmp_path / "photo.png"), "--model", "densepose", "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (2, "")
    assert "research only" in outcome.err
    assert f"--model {PUBLISHED.file}" in outcome.err.splitlines()[-1]


def test_it_has_an_address_of_its_own_and_takes_no_other_file_for_itself(tmp_path: Path) -> None:
    assert PUBLISHED.url.startswith("https://dl.fbaipublicfiles.com/densepose/densepose_rcnn_R_50_FPN_s1x/")
    (tmp_path / "any.pth").write_bytes(b"something else")
    assert recognise(tmp_path / "any.pth") is None
