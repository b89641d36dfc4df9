"""The format and the kind of file of docs/adding-files.md are folders that the page prints, found by being there."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import maskrcnn.modalities
import maskrcnn.modalities.images.formats
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict
from maskrcnn.modalities import table
from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.kinds import fit_to_kind
from maskrcnn.modalities.listing import list_formats
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.fingerprint import take_fingerprint
from tiny_signals import save_tiny_signal_model, tiny_signal_config

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adding-files.md"
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The page's folders, beside those of the package for as long as a test lasts."""
    for name, text in BLOCKS:
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").write_text("")
    formats, modalities = maskrcnn.modalities.images.formats, maskrcnn.modalities
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "package" / "formats")])
    monkeypatch.setattr(modalities, "__path__", [*modalities.__path__, str(tmp_path / "package" / "modalities")])
    list_formats.cache_clear(), table.wings.cache_clear()
    yield tmp_path
    list_formats.cache_clear(), table.wings.cache_clear()
    for name in [name for name in sys.modules if ".box_table" in name or ".spectra" in name]:
        del sys.modules[name]


def test_a_format_is_added_by_a_folder(added, save_image):
    save_image(added / "set" / "a.png", 40, 60)
    (added / "set" / "boxes.tsv").write_text("a.png\t4\t5\t10\t20\tcat\na.png\t1\t1\tx\t9\tcat\n")
    assert label_formats()[-1].short == "box tables"
    data = open_dataset(added / "set")
    assert data.class_names == ("cat",) and data[0].boxes.tolist() == [[4, 5, 14, 25]]
    assert len(data.problems) == 1 and "was left out" in data.problems[0]


def write_spectra(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for k in range(count):
        values = np.random.default_rng(k).normal(size=200)
        values[50 + k : 60 + k] += 5
        (folder / f"{k}.spectrum").write_text("\n".join(map(str, values)))
        (folder / f"{k}.peaks").write_text(f"{50 + k} {59 + k} high\n")
    return folder


def test_a_kind_of_file_is_added_by_a_folder(added):
    data = open_dataset(write_spectra(added / "set"))
    assert data.kind == "spectrum" and data.class_names == ("high",) and len(data) == 3
    assert data[1].boxes.tolist() == [[51, 61]]
    config = fit_to_kind(VARIANTS["signal_fpn"](1), data)
    assert config.in_channels == 1 and config.preprocess.spacing == (1.0,) and config.preprocess.standardise
    assert take_fingerprint(data).unit == "channels"


def test_its_files_are_predicted(added, tmp_path):
    folder = write_spectra(added / "set")
    preprocess = dataclasses.replace(tiny_signal_config().preprocess, spacing=(1.0,))
    model = save_tiny_signal_model(tmp_path / "peaks.safetensors", kind="spectrum", preprocess=preprocess)
    outcome = predict(PredictFilesOptions((folder,), tmp_path / "out", str(model), score=0.01))
    assert outcome.noun == "spectrum" and not outcome.failures and len(outcome.objects) == 3
    rows = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert set(rows) == set(outcome.objects) and any(rows.values())
